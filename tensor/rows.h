// Adding rows into a table: the adjoint of looking them up.
#pragma once

#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {

// into[indices[i]] += values[i] for every position i of the indices, in their order; a repeated
// index adds each time. into [n, ...], indices of any shape (int64), values indices.shape + [...].
// In place when `into` is a temporary. IndexError for an index outside [0, n).
struct AddRows {
  static constexpr std::string_view name = "add_rows";
  static constexpr bool updates = true;
  Spec infer(const Spec& into, const Spec& indices, const Spec& values) const;
  void run(const Tensor& into, const Tensor& indices, const Tensor& values, Tensor& y) const;
};

Tensor add_rows(Tensor into, const Tensor& indices, const Tensor& values);

}  // namespace rw
