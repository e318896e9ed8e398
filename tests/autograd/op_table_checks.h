// What the checks of the table of operations make of a row: inputs of every layout, gradients, and
// the rows that a check is meant for.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "autograd/op_table.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/views.h"
#include "support/compare.h"

namespace rw::test {

inline Tensors inputs_of(const OpRow& row, const std::vector<Dims>& shapes = {}) {
  Tensors all;
  std::uint32_t seed = 7;
  for (const Argument& a : row.in) {
    const Dims& shape = shapes.empty() ? a.shape : shapes[all.size()];
    // From (-3, 3), where samples lie, to [low, high).
    const Array u = reference::array(reference::sample({shape, float64}, seed++));
    Tensor x = Tensor::uninitialized({shape, a.dtype});
    dispatch_any(a.dtype, [&](auto v) {
      using T = decltype(v);
      for (std::size_t i = 0; i < u.values.size(); i++) {
        const double value = a.low + (u.values[i] + 3) / 6 * (a.high - a.low);
        output_data<T>(x)[i] = static_cast<T>(std::is_same_v<T, bool> ? value > 0 : value);
      }
    });
    all.push_back(std::move(x));
  }
  return all;
}

inline std::vector<Dims> empty_shapes(const OpRow& row) {
  if (!row.empty.empty()) return row.empty;
  std::vector<Dims> shapes;
  for (const Argument& a : row.in) {
    shapes.push_back(a.shape.rank() == 0 || a.shape[0] == 1 ? a.shape : a.shape.with(0, 0));
  }
  return shapes;
}

// The same numbers column after column, and with gaps between them.
inline Tensor spread_out(const Tensor& x) {
  Strides strides{};
  Index step = 2;
  for (int i = 0; i < x.rank(); i++) {
    strides[static_cast<std::size_t>(i)] = step;
    step *= std::max<Index>(x.shape()[i], 1);
  }
  Tensor storage = Tensor::uninitialized({{step}, x.dtype()});
  dispatch_any(x.dtype(), [&](auto v) {
    using T = decltype(v);
    std::fill_n(output_data<T>(storage), step, T{});
    const Strides from = x.strides();
    reference::for_each_position(x.shape(), [&](const Position& p) {
      Index to = 0, at = 0;
      for (int i = 0; i < x.rank(); i++) {
        to += p[static_cast<std::size_t>(i)] * strides[static_cast<std::size_t>(i)];
        at += p[static_cast<std::size_t>(i)] * from[static_cast<std::size_t>(i)];
      }
      output_data<T>(storage)[to] = x.data<T>()[at];
    });
  });
  return storage.view(x.shape(), strides, 0);
}

// Equal but for the rounding of sums in another order.
inline void expect_same(const Tensor& a, const Tensor& b, const std::string& what) {
  ASSERT_EQ(a.dtype(), b.dtype()) << what;
  const Array expected = reference::array(b);
  double scale = 0;
  for (double v : expected.values) scale = std::max(scale, std::isfinite(v) ? std::abs(v) : 0);
  const Array seen = reference::array(a);
  ASSERT_TRUE(seen.shape == expected.shape) << what;
  for (std::size_t i = 0; i < seen.values.size(); i++) {
    const double x = seen.values[i], y = expected.values[i];
    ASSERT_TRUE(x == y || (std::isnan(x) && std::isnan(y)) || std::abs(x - y) <= 1e-14 * scale)
        << what << ": element " << i << " is " << x << " for " << y;
  }
}

inline void expect_same_bits(const Tensor& a, const Tensor& b, const std::string& what) {
  ASSERT_TRUE(a.spec() == b.spec()) << what;
  const Tensor p = contiguous(a), q = contiguous(b);
  dispatch_any(p.dtype(), [&](auto v) {
    using T = decltype(v);
    const auto bytes = static_cast<std::size_t>(p.size()) * sizeof(T);
    ASSERT_TRUE(bytes == 0 || std::memcmp(p.data<T>(), q.data<T>(), bytes) == 0) << what;
  });
}

inline Tensor weights(const Spec& spec) { return reference::sample(spec, 99); }

// The gradients of sum(weights * f(x)) by the float inputs.
inline Tensors gradients_of(const OpRow& row, const Tensors& x, const Tensor& dy,
                            bool record = false) {
  Tape tape;
  Tensors watched = x;
  std::vector<std::size_t> variables;
  for (std::size_t i = 0; i < x.size(); i++) {
    if (!is_float(x[i].dtype())) continue;
    tape.watch(watched[i]);
    variables.push_back(i);
  }
  const Tensor y = row.f(watched);
  Gradients gradients;
  if (tape.holds(y.mark())) gradients = tape.backward({{y, dy}}, {.record = record});
  Tensors dx;
  for (const std::size_t i : variables) {
    dx.push_back(tape.holds(y.mark()) ? gradients[watched[i]] : zeros_like(x[i]));
  }
  return dx;
}

inline Tensors cast_floats(Tensors x, Dtype dtype) {
  for (Tensor& input : x) {
    if (is_float(input.dtype())) input = cast(input, dtype);
  }
  return x;
}

inline bool is_random(const OpRow& row) { return !row.value; }
inline bool takes_floats(const OpRow& row) {
  return std::any_of(row.in.begin(), row.in.end(),
                     [](const Argument& a) { return is_float(a.dtype); });
}
inline bool is_differentiable(const OpRow& row) {
  return takes_floats(row) && is_float(row.f(inputs_of(row)).dtype());
}

using OpRowTest = testing::TestWithParam<OpRow>;

inline auto rows_that(bool (*hold)(const OpRow&)) {
  std::vector<OpRow> rows;
  for (OpRow& row : op_table()) {
    if (hold(row)) rows.push_back(std::move(row));
  }
  return testing::ValuesIn(rows);
}

inline std::string name_of_row(const testing::TestParamInfo<OpRow>& row) {
  std::string name;
  for (char c : row.param.name) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name + "_" + std::to_string(row.index);
}

}  // namespace rw::test
