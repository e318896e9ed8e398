// Brings the result of a reduction, or its gradient, back beside what was reduced.
#pragma once

#include "rewind/tensor/axes.h"
#include "rewind/tensor/views.h"

namespace rw {

// With the axes that went as axes of size 1: it broadcasts against x.
inline Tensor beside(const Reduction& op, const Tensor& y, const Spec& x) {
  return op.keepdims ? y : apply(Reshape{reduced_shape(x.shape, op.axes, true)}, y);
}

// Repeated for each element of x.
inline Tensor spread(const Reduction& op, const Tensor& y, const Spec& x) {
  return expand(beside(op, y, x), x.shape);
}

}  // namespace rw
