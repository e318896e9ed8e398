// Order along an axis. NaN comes last, ascending and descending alike: it is neither large nor
// small. Among equal elements the earlier one comes first.
#pragma once

#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {

// Positions along `axis` (counted from 0), as int64. The functions gather the values by them, so
// that the derivative of a sorted value is that of `gather`.
struct ArgSort {
  Index axis;
  bool descending;
  static constexpr std::string_view name = "argsort";
  Spec infer(const Spec& x) const { return x.with_dtype(int64); }
  void run(const Tensor& x, Tensor& y) const;
};

struct ArgTopK {
  Index k, axis;
  bool largest;
  static constexpr std::string_view name = "topk";
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

// The positions of the elements in order.
Tensor argsort(const Tensor& x, Index axis = -1, bool descending = false);

// {values, positions}
std::array<Tensor, 2> sort(const Tensor& x, Index axis = -1, bool descending = false);

// The k largest, or smallest, in order: {values, positions}. 0 <= k <= the size of the axis.
std::array<Tensor, 2> topk(const Tensor& x, Index k, Index axis = -1, bool largest = true);

}  // namespace rw
