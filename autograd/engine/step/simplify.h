// Local rewriting, done whenever a value is made: what is cheaper to say is said so from the start,
// and the passes meet fewer forms. All of it holds exactly, up to the sign of a zero and the
// rounding of products.
//
//   views        a view of a view is one view, one that changes nothing is none; a slice of
//                values put side by side is a slice of one of them, and the reverse
//   transposes   (a^T b)^T = b^T a, and that of sums of such: they move to the leaves, where they
//                are free
//   slices       what is added into slices of zeros stands side by side: no padded tensor appears
//   products     u c - v c is (u - v) c
//   vectors      a v is a [v]: a matrix of one column has a packed form
//   constants    what is filled with one number is that number, where broadcasting repeats it
#pragma once

#include "rewind/autograd/engine/step/graph.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// The value of an operation with one result: made, or found to be one that is there.
ValueId simplified(Graph& graph, const Operation& operation, std::vector<ValueId> inputs);

template <class Op>
ValueId simplified(Graph& graph, const Op& op, std::vector<ValueId> inputs) {
  return simplified(graph, Operation::of(op), std::move(inputs));
}

// The number that fills the value, if it is known to be filled with one.
const double* filled_with(const Graph& graph, ValueId value);

}  // namespace engine
}  // namespace rw
