// Tensors beside each other, element by element, in double.
#pragma once

#include <algorithm>
#include <cmath>

#include "support/elements.h"

namespace rw {

// The largest difference of two elements, relative to the largest element of `expected` (or to 1,
// if that is larger). Infinite when the shapes differ or one side is NaN.
inline double largest_difference(const Tensor& actual, const Tensor& expected) {
  if (!(actual.shape() == expected.shape())) return INFINITY;
  const std::vector<double> a = elements(actual);
  const std::vector<double> e = elements(expected);
  double scale = 1, largest = 0;
  for (double v : e) scale = std::max(scale, std::abs(v));
  for (std::size_t i = 0; i < a.size(); i++) {
    const double difference = std::abs(a[i] - e[i]);
    largest = std::isnan(difference) ? INFINITY : std::max(largest, difference);
  }
  return largest / scale;
}

// The same numbers in another dtype, without the operations of the library.
inline Tensor cast(const Tensor& x, Dtype dtype) {
  Tensor y = Tensor::uninitialized(x.spec().with_dtype(dtype));
  const std::vector<double> values = elements(x);
  dispatch_any(dtype, [&](auto v) {
    auto to = y.mutable_span<decltype(v)>();
    std::transform(values.begin(), values.end(), to.begin(),
                   [](double value) { return static_cast<decltype(v)>(value); });
  });
  return y;
}

}  // namespace rw
