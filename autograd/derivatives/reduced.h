// Brings the result of a reduction, or its gradient, back beside what was reduced. Op has the
// fields `axes` and `keepdims` (tensor/axes.h).
#pragma once

#include "rewind/tensor/axes.h"
#include "rewind/tensor/views.h"

namespace rw {

// With the axes that went as axes of size 1: it broadcasts against x.
template <class Op>
Tensor beside(const Op& op, const Tensor& y, const Spec& x) {
  return op.keepdims ? y : apply(Reshape{reduced_shape(x.shape, op.axes, true)}, y);
}

// Repeated for each element of x.
template <class Op>
Tensor spread(const Op& op, const Tensor& y, const Spec& x) {
  return expand(beside(op, y, x), x.shape);
}

// How many elements became one.
inline Index group_size(const Dims& shape, std::uint32_t axes) {
  Index n = 1;
  for (int i = 0; i < shape.rank(); i++) n *= axes >> i & 1 ? shape[i] : 1;
  return n;
}

}  // namespace rw
