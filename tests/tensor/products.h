// What the tests of products share: numbers, layouts, and products beside their definition.
#pragma once

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "rewind/tensor/strided.h"
#include "support/naive_matmul.h"

namespace rw::test {

// Numbers between -1 and 1 without a pattern.
template <class T = float>
Tensor numbers(const Dims& shape) {
  Tensor x = Tensor::uninitialized({shape, dtype_of<T>()});
  std::uint32_t state = 12345u + static_cast<std::uint32_t>(x.size());
  for (T& v : x.mutable_span<T>()) {
    state = state * 1664525u + 1013904223u;
    v = static_cast<T>(state >> 8) / static_cast<T>(1 << 23) - 1;
  }
  return x;
}

inline Tensor transposed(const Tensor& x) {
  Strides strides = x.strides();
  Dims shape = x.shape();
  const int r = x.rank() - 2, c = x.rank() - 1;
  shape.set(r, x.shape()[c]), shape.set(c, x.shape()[r]);
  std::swap(strides[static_cast<std::size_t>(r)], strides[static_cast<std::size_t>(c)]);
  return x.view(shape, strides, 0);
}

// x among NaN: every second row and every second column of something larger, or a block of it.
template <class T>
Tensor cut_out(const Tensor& x, Index step) {
  const Index rows = x.dim(-2), columns = x.dim(-1);
  const Index batches = x.size() / std::max<Index>(rows * columns, 1);
  Tensor large = Tensor::uninitialized({{batches, 2 * rows + 1, 2 * columns + 3}, dtype_of<T>()});
  std::span<T> to = large.mutable_span<T>();
  std::fill(to.begin(), to.end(), std::numeric_limits<T>::quiet_NaN());
  const Index width = 2 * columns + 3, height = 2 * rows + 1;
  Strides strides{};
  Index size = height * width;
  for (int axis = x.rank() - 2; axis-- > 0;) {
    strides[static_cast<std::size_t>(axis)] = size;
    size *= x.shape()[axis];
  }
  strides[static_cast<std::size_t>(x.rank() - 2)] = 2 * width;
  strides[static_cast<std::size_t>(x.rank() - 1)] = step;
  const T* from = x.data<T>();
  for_each_row<1>(x.shape(), {strides}, [&](const std::array<Index, 1>& at) {
    for (Index j = 0; j < columns; j++) to[static_cast<std::size_t>(at[0] + j * step)] = *from++;
  });
  return large.view(x.shape(), strides, 0);
}

// Whatever comes out of the pool next holds NaN.
inline void poison(Index size) {
  Tensor x = Tensor::uninitialized({{size}, float32});
  for (float& v : x.mutable_span<float>()) v = std::numeric_limits<float>::quiet_NaN();
}

using Product = Tensor (*)(const Tensor& a, const Tensor& b);

template <class T>
void expect_product(Product product, const Tensor& a, const Tensor& b) {
  poison(a.dim(-2) * b.dim(-1));
  const Tensor y = product(a, b);
  const std::vector<double> expected = test::naive_matmul<T>(a, b, y.shape());
  ASSERT_EQ(y.size(), static_cast<Index>(expected.size()));
  const double tolerance =
      2 * static_cast<double>(a.dim(-1)) * static_cast<double>(std::numeric_limits<T>::epsilon());
  for (std::size_t i = 0; i < expected.size(); i++) {
    ASSERT_NEAR(static_cast<double>(y.data<T>()[i]), expected[i], tolerance)
        << to_string(a.spec()) << " x " << to_string(b.spec()) << " at " << i;
  }
}

template <class T>
std::vector<Tensor> layouts_of(const Dims& shape) {
  const Tensor plain = numbers<T>(shape);
  const Tensor turned = numbers<T>(transposed(plain).shape());
  return {plain, transposed(turned), cut_out<T>(plain, 1), cut_out<T>(plain, 2),
          transposed(cut_out<T>(turned, 1))};
}

template <class T>
void expect_every_layout(Product product, const Dims& a, const Dims& b) {
  for (const Tensor& x : layouts_of<T>(a)) {
    for (const Tensor& y : layouts_of<T>(b)) expect_product<T>(product, x, y);
  }
}

inline void expect_matrices_of_every_layout(Product product) {
  for (Index m : {1, 2, 5, 17}) {
    for (Index k : {1, 3, 16}) {
      for (Index n : {1, 2, 7, 33}) {
        expect_every_layout<float>(product, {m, k}, {k, n});
        expect_every_layout<double>(product, {m, k}, {k, n});
      }
    }
  }
}

inline void expect_batches_of_every_layout(Product product) {
  for (Index m : {1, 4}) {
    for (Index n : {1, 5}) {
      expect_every_layout<float>(product, {3, m, 6}, {6, n});
      expect_every_layout<float>(product, {m, 6}, {3, 6, n});
      expect_every_layout<float>(product, {3, m, 6}, {3, 6, n});
      expect_every_layout<float>(product, {2, 1, m, 6}, {3, 6, n});
      expect_every_layout<double>(product, {1, m, 6}, {2, 3, 6, n});
    }
  }
}

inline void expect_vectors_to_be_rows_and_columns(Product product) {
  const Tensor v = numbers({3}), a = numbers({2, 3}), b = numbers({5, 3, 2});
  EXPECT_EQ(product(v, v).shape(), Dims{});
  EXPECT_EQ(product(a, v).shape(), Dims{2});
  EXPECT_EQ(product(v, b).shape(), (Dims{5, 2}));
  const float* x = v.data<float>();
  EXPECT_NEAR(product(v, v).item(), x[0] * x[0] + x[1] * x[1] + x[2] * x[2], 1e-6);
}

}  // namespace rw::test
