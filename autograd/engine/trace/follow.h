// Whether a step does what it did when it was traced before. Most calls of a scan repeat one; then
// nothing needs to be recorded, inferred or compared afterwards. Some repeat it but for a number.
#pragma once

#include "rewind/autograd/engine/trace/trace.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct Following {
  bool same = false;             // it does what it did
  std::vector<Tensor> captured;  // then: the tensors that it captured this time
  // Otherwise: the numbers to trace it with, so that it is followed the next time. None, where it
  // differs in more than numbers.
  std::vector<ChangingNumbers> changing;
};

// Runs the step on the shapes of `known`, a trace made as written, and holds each of its operations
// against those there, in full. Throws what the step throws.
Following follow(const Trace& known, const StepFunction& step);

}  // namespace engine
}  // namespace rw
