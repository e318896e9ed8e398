// Undoing a broadcast.
#pragma once

#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {

// Sums over what was repeated when something of `shape` was broadcast to x: the adjoint of expand.
// Sums as `sum` does (reduction.h). ShapeError when `shape` does not broadcast to x.
struct SumTo {
  Dims shape;
  static constexpr std::string_view name = "sum_to";
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

// x itself when the shapes agree.
Tensor sum_to(Tensor x, const Dims& shape);

}  // namespace rw
