// Walking over elements that do not lie row after row.
#pragma once

#include <array>

#include "rewind/tensor/parallel.h"
#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {

// The rows of a shape in order, where a row is the last axis, and where operands have each of them.
// A scalar is one row of one element.
template <std::size_t K>
class RowWalk {
 public:
  // Stands at row number `first`, which there is.
  RowWalk(const Dims& shape, const std::array<Strides, K>& strides, Index first = 0)
      : shape_(shape), strides_(strides) {
    for (int axis = shape.rank() - 1; first > 0 && --axis >= 0; first /= shape[axis]) {
      const auto a = static_cast<std::size_t>(axis);
      at_[a] = first % shape[axis];
      for (std::size_t k = 0; k < K; k++) offsets_[k] += strides[k][a] * at_[a];
    }
  }

  // In elements, of each operand.
  const std::array<Index, K>& offsets() const { return offsets_; }

  void next() {
    for (int axis = shape_.rank() - 1; --axis >= 0;) {
      const auto a = static_cast<std::size_t>(axis);
      for (std::size_t k = 0; k < K; k++) offsets_[k] += strides_[k][a];
      if (++at_[a] < shape_[axis]) return;
      for (std::size_t k = 0; k < K; k++) offsets_[k] -= strides_[k][a] * shape_[axis];
      at_[a] = 0;
    }
  }

 private:
  const Dims& shape_;
  const std::array<Strides, K>& strides_;
  std::array<Index, K> offsets_{};
  std::array<Index, kMaxRank> at_{};
};

inline Index length_of_row(const Dims& shape) { return shape.rank() == 0 ? 1 : shape.back(); }
inline Index count_of_rows(const Dims& shape) {
  const Index count = shape.count();
  return count == 0 ? 0 : count / length_of_row(shape);
}

// Calls f(offsets) for every row, in order; for none when a size is zero.
template <std::size_t K, class F>
void for_each_row(const Dims& shape, const std::array<Strides, K>& strides, F&& f) {
  RowWalk<K> walk(shape, strides);
  for (Index rows = count_of_rows(shape); rows > 0; rows--, walk.next()) f(walk.offsets());
}

// So many elements are 10 to 20 us of an element-wise operation, where waking a worker takes 5.
inline constexpr Index kElementsForAWorker = Index{1} << 16;

// Calls f(begin, end) for ranges of elements, on several threads where there are many.
template <class F>
void share_elements(Index n, F&& f) {
  if (n <= kElementsForAWorker) return f(Index{0}, n);
  parallel_for(n, kElementsForAWorker, f);
}

// Calls f(row, offsets) for every row and its number, on several threads where they are long.
template <std::size_t K, class F>
void share_rows(const Dims& shape, const std::array<Strides, K>& strides, F&& f) {
  const Index rows = count_of_rows(shape);
  if (rows == 0) return;
  const auto some = [&](Index begin, Index end) {
    RowWalk<K> walk(shape, strides, begin);
    for (Index row = begin; row < end; row++, walk.next()) f(row, walk.offsets());
  };
  const Index each = kElementsForAWorker / length_of_row(shape) + 1;
  if (rows <= each) return some(0, rows);
  parallel_for(rows, each, some);
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
