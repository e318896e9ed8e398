// The naive twins of the library's kernels: loops over indices in double, written to be seen right
// at a glance. And the inputs that tests put through both: every layout of every shape.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "rewind/tensor/tensor.h"

namespace rw::reference {

using Position = std::array<Index, kMaxRank>;

// Calls f(position) for every element of a shape, row after row.
template <class F>
void for_each_position(const Dims& shape, F&& f) {
  Position at{};
  for (Index n = shape.count(), k = 0; k < n; k++) {
    Index rest = k;
    for (int i = shape.rank(); i-- > 0;) {
      at[static_cast<std::size_t>(i)] = rest % shape[i];
      rest /= shape[i];
    }
    f(static_cast<const Position&>(at));
  }
}

// The element of x at a position of a shape to which x broadcasts.
inline double element(const Tensor& x, const Position& at, const Dims& shape) {
  const Strides strides = x.strides();
  Index offset = 0;
  for (int i = 0; i < x.rank(); i++) {
    const Index wanted = at[static_cast<std::size_t>(i + shape.rank() - x.rank())];
    offset += (x.shape()[i] == 1 ? 0 : wanted) * strides[static_cast<std::size_t>(i)];
  }
  return dispatch_any(x.dtype(),
                      [&](auto v) { return static_cast<double>(x.data<decltype(v)>()[offset]); });
}

struct Array {
  Dims shape;
  std::vector<double> values;  // row after row
};

inline Array array(const Tensor& x) {
  Array result{x.shape(), {}};
  for_each_position(
      x.shape(), [&](const Position& at) { result.values.push_back(element(x, at, x.shape())); });
  return result;
}

template <class F>
Array map(F f, const Tensor& x) {
  Array result = array(x);
  for (double& v : result.values) v = f(v);
  return result;
}

template <class F, class... T>
Array zip(F f, const Dims& shape, const T&... x) {
  Array result{shape, {}};
  for_each_position(shape, [&](const Position& at) {
    result.values.push_back(static_cast<double>(f(element(x, at, shape)...)));
  });
  return result;
}

// f of the list of elements that share their place on the axes that are not in `axes`.
template <class F>
Array reduce(F f, const Tensor& x, const std::vector<int>& axes, bool keepdims) {
  const auto gone = [&](int axis) {
    for (int a : axes) {
      if (a == axis) return true;
    }
    return false;
  };
  Dims kept, shape;
  for (int i = 0; i < x.rank(); i++) {
    kept.push_back(gone(i) ? 1 : x.shape()[i]);
    if (keepdims || !gone(i)) shape.push_back(kept[i]);
  }
  std::vector<std::vector<double>> lists(static_cast<std::size_t>(kept.count()));
  for_each_position(x.shape(), [&](const Position& at) {
    Index place = 0;
    for (int i = 0; i < x.rank(); i++) {
      place = place * kept[i] + (gone(i) ? 0 : at[static_cast<std::size_t>(i)]);
    }
    lists[static_cast<std::size_t>(place)].push_back(element(x, at, x.shape()));
  });
  Array result{shape, {}};
  for (const auto& list : lists) result.values.push_back(static_cast<double>(f(list)));
  return result;
}

// Equal up to a relative error; NaN equals NaN, infinities themselves.
inline void expect_close(const Tensor& actual, const Array& expected, double tolerance,
                         const std::string& what = {}) {
  ASSERT_TRUE(actual.shape() == expected.shape)
      << what << ": " << to_string(actual.shape()) << " for " << to_string(expected.shape);
  const Array seen = array(actual);
  for (std::size_t i = 0; i < seen.values.size(); i++) {
    const double y = seen.values[i], r = expected.values[i];
    const bool same =
        y == r || (std::isnan(y) && std::isnan(r)) || std::abs(y - r) <= tolerance * std::abs(r);
    ASSERT_TRUE(same) << what << ": element " << i << " of " << to_string(actual.spec()) << " is "
                      << y << " for " << r;
  }
}

// A few units in the last place.
inline double precision(Dtype dtype) {
  return dtype == float32 ? 4e-7 : dtype == float64 ? 8e-16 : 0;
}

template <class T>
Tensor tensor(const Dims& shape, const std::vector<T>& values) {
  Tensor x = Tensor::uninitialized({shape, dtype_of<T>()});
  for (std::size_t i = 0; i < values.size(); i++) output_data<T>(x)[i] = values[i];
  return x;
}
inline Tensor doubles(const Dims& shape, const std::vector<double>& values) {
  return tensor<double>(shape, values);
}

// Numbers of both signs, |x| <= 3; whole ones with some zeros for int64, both for bool.
inline Tensor sample(const Spec& spec, std::uint32_t seed = 1) {
  Tensor x = Tensor::uninitialized(spec);
  std::uint32_t state = seed * 2654435761u + 12345u;
  dispatch_any(spec.dtype, [&](auto v) {
    using T = decltype(v);
    for (Index i = 0; i < x.size(); i++) {
      state = state * 1664525u + 1013904223u;
      const double uniform = static_cast<double>(state >> 8) / 16777216.0 * 6 - 3;
      if constexpr (std::is_same_v<T, bool>) {
        output_data<T>(x)[i] = uniform > 0;
      } else {
        output_data<T>(x)[i] = static_cast<T>(uniform);
      }
    }
  });
  return x;
}

// The shapes that every operation meets: ranks 0 to 8, sizes 0, 1 and more than a vector.
inline std::vector<Dims> shapes() {
  return {{},     {1},     {5},       {0},          {2, 3},          {3, 0, 2},
          {1, 7}, {70, 3}, {4, 1, 3}, {2, 3, 4, 2}, {3, 130},        {2, 1, 2, 1, 2, 1, 2, 3},
          {0, 4}, {4, 0},  {300},     {1, 1, 1},    {2, 2, 2, 2, 2}, {5, 2, 9}};
}

// Tensors of a spec, one for each way to lie in memory: row after row, column after column, spread
// out and backwards, and all rows in one place.
inline std::vector<Tensor> layouts(const Spec& spec, std::uint32_t seed = 1) {
  const Dims& shape = spec.shape;
  std::vector<Tensor> all{sample(spec, seed)};
  if (shape.rank() == 0 || shape.count() == 0) return all;

  Strides columns{}, spread{};
  Index column_step = 1, spread_step = 2, start = 0;
  for (int i = 0; i < shape.rank(); i++) {
    columns[static_cast<std::size_t>(i)] = column_step;
    column_step *= shape[i];
  }
  for (int i = shape.rank(); i-- > 0;) {
    const bool backwards = i % 2 == 0;
    spread[static_cast<std::size_t>(i)] = backwards ? -spread_step : spread_step;
    if (backwards) start += (shape[i] - 1) * spread_step;
    spread_step *= shape[i] + 1;
  }
  all.push_back(sample({{column_step}, spec.dtype}, seed).view(shape, columns, 0));
  all.push_back(sample({{spread_step}, spec.dtype}, seed).view(shape, spread, start));
  Strides repeated = contiguous_strides(shape);
  repeated[0] = 0;
  all.push_back(all[0].view(shape, repeated, 0));
  return all;
}

}  // namespace rw::reference
