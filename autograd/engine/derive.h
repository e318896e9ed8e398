// The derivative of a step, as a step.
//
// A tape over a tracer: the step is run again on shapes, the tape records it, and its rewind, made
// of ordinary operations by the table of derivatives, is traced. So there is no second table, an
// operation from outside brings its own rule, and derivatives of any order come the same way.
#pragma once

#include "rewind/autograd/engine/trace.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct Derivative {
  // The forward step and its adjoints in one graph. Arguments: those of the step, what it captured,
  // and the gradients that arrive at the results that have one. Results: those of the step.
  Trace trace;
  // For each argument and captured tensor: the gradient that leaves; -1 where none was asked for,
  // or none arrives.
  std::vector<ValueId> gradients;
};

// `arrives` tells for each result whether a gradient arrives at it, `wanted` for each argument and
// then each captured tensor whether its gradient is asked for. Only floats have gradients.
Derivative derive(const Trace& step, const std::vector<bool>& arrives,
                  const std::vector<bool>& wanted);

}  // namespace engine
}  // namespace rw
