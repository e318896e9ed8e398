#include "rewind/tensor/cumsum.h"

#include <vector>

#include "rewind/tensor/kernels/fold.h"
#include "rewind/tensor/takes.h"

namespace rw {
namespace {

template <class T>
void run_along(T* x, Index n, Index step) {
  kernels::Wide<T> sum{};
  for (Index i = 0; i < n; i++, x += step) {
    sum += static_cast<kernels::Wide<T>>(*x);
    *x = static_cast<T>(sum);
  }
}

// Down the columns of a table whose rows stand `step` apart.
template <class T>
void run_down(T* row, Index n, Index step, std::vector<kernels::Wide<T>>& sums) {
  std::fill(sums.begin(), sums.end(), kernels::Wide<T>{});
  for (Index i = 0; i < n; i++, row += step) {
    for (std::size_t c = 0; c < sums.size(); c++) {
      sums[c] += static_cast<kernels::Wide<T>>(row[c]);
      row[c] = static_cast<T>(sums[c]);
    }
  }
}

}  // namespace

Spec CumSum::infer(const Spec& x) const { return takes_numbers(name, x); }

void CumSum::run(const Tensor&, Tensor& y) const {
  if (y.size() == 0) return;
  const Index n = y.shape()[axis];
  const Index width = contiguous_strides(y.shape())[static_cast<std::size_t>(axis)];
  dispatch_number(name, y.dtype(), [&](auto v) {
    using T = decltype(v);
    std::vector<kernels::Wide<T>> sums(static_cast<std::size_t>(width));
    T* table = output_data<T>(y);
    for (Index k = 0; k < y.size() / (n * width); k++, table += n * width) {
      T* first = reverse ? table + (n - 1) * width : table;
      const Index step = reverse ? -width : width;
      if (width == 1) {
        run_along(first, n, step);
      } else {
        run_down(first, n, step, sums);
      }
    }
  });
}

Tensor cumsum(Tensor x, Index axis, CumSumOptions options) {
  const int counted = axis_of(CumSum::name, axis, x.rank());
  return apply(CumSum{counted, options.reverse}, std::move(x));
}

}  // namespace rw
