#include "rewind/tensor/sorting.h"

#include <algorithm>
#include <numeric>

#include "rewind/tensor/blocks.h"
#include "rewind/tensor/indexing.h"

namespace rw {
namespace {

// Whether element i stands before element j of a line: a total order, so that any algorithm gives
// the stable result.
template <class T>
bool before(const T* line, Index step, bool descending, Index i, Index j) {
  const T a = line[i * step];
  const T b = line[j * step];
  if (a < b || b < a) return descending ? b < a : a < b;
  const bool a_is_nan = a != a;
  const bool b_is_nan = b != b;
  if (a_is_nan != b_is_nan) return b_is_nan;
  return i < j;
}

// Writes for each line of x along the axis the positions of its first `count` elements in order.
void write_order(const Tensor& x, Index axis, bool descending, Index count, Tensor& y) {
  if (y.size() == 0) return;
  const Tensor from = row_major(x);
  const Index size = x.shape()[static_cast<int>(axis)];
  const Index inner = contiguous_strides(x.shape())[static_cast<std::size_t>(axis)];
  std::vector<Index> order(static_cast<std::size_t>(size));
  dispatch_any(x.dtype(), [&](auto v) {
    const auto* line = from.data<decltype(v)>();
    auto* to = output_data<Index>(y);
    for (Index n = 0; n < x.size() / size; n++) {
      std::iota(order.begin(), order.end(), Index{0});
      auto precedes = [&](Index i, Index j) { return before(line, inner, descending, i, j); };
      if (count == size) {
        std::sort(order.begin(), order.end(), precedes);
      } else {
        std::partial_sort(order.begin(), order.begin() + count, order.end(), precedes);
      }
      for (Index k = 0; k < count; k++) to[k * inner] = order[static_cast<std::size_t>(k)];
      // The next line begins beside this one, or behind all that it is interleaved with.
      const bool last_beside = (n + 1) % inner == 0;
      line += last_beside ? 1 + (size - 1) * inner : 1;
      to += last_beside ? 1 + (count - 1) * inner : 1;
    }
  });
}

}  // namespace

void ArgSort::run(const Tensor& x, Tensor& y) const {
  write_order(x, axis, descending, x.shape()[static_cast<int>(axis)], y);
}

Spec ArgTopK::infer(const Spec& x) const {
  const int a = static_cast<int>(axis);
  require<IndexError>(k >= 0 && k <= x.dim(a), "topk: {} elements of axis {} of {}", k, axis, x);
  return {x.shape.with(a, k), int64};
}

void ArgTopK::run(const Tensor& x, Tensor& y) const { write_order(x, axis, largest, k, y); }

Tensor argsort(const Tensor& x, Index axis, bool descending) {
  return apply(ArgSort{axis_of("argsort", axis, x.rank()), descending}, x);
}

std::array<Tensor, 2> sort(const Tensor& x, Index axis, bool descending) {
  const int a = axis_of("sort", axis, x.rank());
  Tensor order = apply(ArgSort{a, descending}, x);
  Tensor values = gather(x, a, order);
  return {std::move(values), std::move(order)};
}

std::array<Tensor, 2> topk(const Tensor& x, Index k, Index axis, bool largest) {
  const int a = axis_of("topk", axis, x.rank());
  Tensor order = apply(ArgTopK{k, a, largest}, x);
  Tensor values = gather(x, a, order);
  return {std::move(values), std::move(order)};
}

}  // namespace rw
