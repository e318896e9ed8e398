// Walking over elements that do not lie row after row.
#pragma once

#include <array>

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {

// Calls f(offsets) for the rows of `shape` in order, where a row is the last axis and offsets[k]
// says where operand k's row starts, in elements. Nothing is called when a size is zero. A scalar
// is one row of one element.
template <std::size_t K, class F>
void for_each_row(const Dims& shape, const std::array<Strides, K>& strides, F&& f) {
  std::array<Index, K> offsets{};
  for (Index size : shape) {
    if (size == 0) return;
  }
  std::array<Index, kMaxRank> at{};
  const int outer = shape.rank() - 1;
  while (true) {
    f(offsets);
    int axis = outer;
    while (--axis >= 0) {
      const auto a = static_cast<std::size_t>(axis);
      for (std::size_t k = 0; k < K; k++) offsets[k] += strides[k][a];
      if (++at[a] < shape[axis]) break;
      for (std::size_t k = 0; k < K; k++) offsets[k] -= strides[k][a] * shape[axis];
      at[a] = 0;
    }
    if (axis < 0) return;
  }
}

// The strides with which `x` is read as if it had `shape`: 0 where it is repeated.
inline Strides broadcast_strides(const Tensor& x, const Dims& shape) {
  const Strides own = x.strides();
  Strides result{};
  const int shift = shape.rank() - x.rank();
  for (int i = shift; i < shape.rank(); i++) {
    const bool repeated = x.shape()[i - shift] == 1 && shape[i] != 1;
    result[static_cast<std::size_t>(i)] = repeated ? 0 : own[static_cast<std::size_t>(i - shift)];
  }
  return result;
}

// Copies x into `output`, which is contiguous, has the same dtype, and a shape to which x
// broadcasts.
void copy_elements(const Tensor& x, Tensor& output);

}  // namespace rw
