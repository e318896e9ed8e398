// The derivative of a step, as a graph.
//
// A tape over a tracer: the step is run again on shapes, the tape records it, and its rewind, made
// of ordinary operations by the table of derivatives, is traced. So there is no second table, an
// operation from outside brings its own rule, and derivatives of any order come the same way.
#pragma once

#include "rewind/autograd/engine/step/graph.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// The step and its adjoints in one graph; -1 stands for what is not there.
struct Derivative {
  Graph graph;
  std::vector<ValueId> values;     // by value of the step: the same here
  std::vector<ValueId> gradients;  // by value of the step: the gradient that leaves at this leaf
  std::vector<ValueId> arriving;   // by result of the step: the leaf of the gradient that arrives
  std::vector<ValueId> captured;   // leaves for tensors that a rule of derivation brought along
  std::vector<Tensor> captured_tensors;
};

// `arrives` tells for each result whether a gradient arrives at it, `wanted` for each value whether
// it is a leaf of which the gradient is asked for. Only floats have gradients.
Derivative derive(const Graph& step, const std::vector<ValueId>& results,
                  const std::vector<bool>& arrives, const std::vector<bool>& wanted);

}  // namespace engine
}  // namespace rw
