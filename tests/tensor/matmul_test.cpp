// Products against their definition: every kind of operand, every layout, every size that is easy
// to get wrong.
#include "rewind/tensor/matmul.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <limits>

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/views.h"
#include "support/elements.h"
#include "support/naive_matmul.h"
#include "support/same_bits.h"

namespace rw {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

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

Tensor transposed(const Tensor& x) {
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
void poison(Index size) {
  Tensor x = Tensor::uninitialized({{size}, float32});
  for (float& v : x.mutable_span<float>()) v = kNan;
}

template <class T>
void expect_product(const Tensor& a, const Tensor& b) {
  poison(a.dim(-2) * b.dim(-1));
  const Tensor y = matmul(a, b);
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
void expect_every_layout(const Dims& a, const Dims& b) {
  const auto layouts = [](const Dims& shape) {
    const Tensor plain = numbers<T>(shape);
    const Tensor turned = numbers<T>(transposed(plain).shape());
    return std::array{plain, transposed(turned), cut_out<T>(plain, 1), cut_out<T>(plain, 2),
                      transposed(cut_out<T>(turned, 1))};
  };
  for (const Tensor& x : layouts(a)) {
    for (const Tensor& y : layouts(b)) expect_product<T>(x, y);
  }
}

TEST(MatMul, IsTheDefinitionForEveryLayout) {
  for (Index m : {1, 2, 5, 17}) {
    for (Index k : {1, 3, 16}) {
      for (Index n : {1, 2, 7, 33}) {
        expect_every_layout<float>({m, k}, {k, n});
        expect_every_layout<double>({m, k}, {k, n});
      }
    }
  }
}

TEST(MatMul, BatchesBroadcastInEveryLayout) {
  for (Index m : {1, 4}) {
    for (Index n : {1, 5}) {
      expect_every_layout<float>({3, m, 6}, {6, n});
      expect_every_layout<float>({m, 6}, {3, 6, n});
      expect_every_layout<float>({3, m, 6}, {3, 6, n});
      expect_every_layout<float>({2, 1, m, 6}, {3, 6, n});
      expect_every_layout<double>({1, m, 6}, {2, 3, 6, n});
    }
  }
}

TEST(MatMul, LargeProductsAreCutIntoPiecesThatFitTogether) {
  expect_product<float>(numbers({1031, 67}), numbers({67, 259}));
  expect_product<float>(numbers({3, 300}), numbers({300, 5003}));
  expect_product<float>(transposed(numbers({70, 1031})), transposed(numbers({259, 70})));
  expect_product<double>(numbers<double>({5, 300}), transposed(numbers<double>({5003, 300})));
  expect_product<float>(numbers({1, 2000}), numbers({2000, 3001}));
  // Long sums of a small result.
  expect_product<float>(transposed(numbers({1601, 61})), numbers({1601, 67}));
  expect_product<double>(numbers<double>({37, 2003}), transposed(numbers<double>({51, 2003})));
}

TEST(MatMul, AVectorIsARowOnTheLeftAndAColumnOnTheRight) {
  const Tensor v = numbers({3}), a = numbers({2, 3}), b = numbers({5, 3, 2});
  EXPECT_EQ(matmul(v, v).shape(), Dims{});
  EXPECT_EQ(matmul(a, v).shape(), Dims{2});
  EXPECT_EQ(matmul(v, b).shape(), (Dims{5, 2}));
  const float* x = v.data<float>();
  EXPECT_NEAR(matmul(v, v).item(), x[0] * x[0] + x[1] * x[1] + x[2] * x[2], 1e-6);
}

TEST(MatMul, AVectorMayBeStridedOrOneNumberRepeated) {
  const Tensor a = numbers({4, 3}), v = numbers({9});
  const Tensor thirds = v.view({3}, {3}, 1), repeated = v.view({3}, {0}, 2);
  const Tensor y = matmul(a, thirds), z = matmul(a, repeated);
  for (std::size_t i = 0; i < 4; i++) {
    const float* row = a.data<float>() + 3 * i;
    const float* x = v.data<float>();
    EXPECT_NEAR(y.span<float>()[i], row[0] * x[1] + row[1] * x[4] + row[2] * x[7], 1e-6);
    EXPECT_NEAR(z.span<float>()[i], (row[0] + row[1] + row[2]) * x[2], 1e-6);
  }
}

TEST(MatMul, AnEmptySumIsZeroWhateverTheMemoryHeld) {
  poison(6);
  const Tensor y = matmul(numbers({2, 0}), numbers({0, 3}));
  for (float v : y.span<float>()) EXPECT_EQ(v, 0);
  EXPECT_EQ(matmul(numbers({0}), numbers({0})).item(), 0);
}

TEST(MatMul, ZeroSizesGiveAnEmptyResult) {
  EXPECT_EQ(matmul(numbers({0, 3}), numbers({3, 4})).shape(), (Dims{0, 4}));
  EXPECT_EQ(matmul(numbers({2, 3}), numbers({3, 0})).shape(), (Dims{2, 0}));
  EXPECT_EQ(matmul(numbers({0, 2, 3}), numbers({1, 3, 4})).shape(), (Dims{0, 2, 4}));
}

TEST(MatMul, NanPassesThroughZeros) {
  const Tensor zeros = numbers({2, 3}) * 0;
  const Tensor nan = numbers({3, 2}) * kNan;
  const Tensor y = matmul(zeros, nan);
  for (float v : y.span<float>()) EXPECT_TRUE(std::isnan(v));
}

// The most memory that this process ever held, in MiB.
Index peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

TEST(MatMul, ARepeatedOperandIsCopiedOnceAtMost) {
  const Tensor all = numbers({128, 256});
  const Index before = peak_memory();
  // No BLAS flag describes every second column; for each batch anew they would take 256 MiB.
  const Tensor repeated = all.view({4096, 128, 128}, {0, 256, 2}, 0);
  const Tensor y = matmul(numbers({4096, 1, 128}), repeated);
  EXPECT_LT(peak_memory() - before, 100);
  EXPECT_EQ(y.shape(), (Dims{4096, 1, 128}));
}

TEST(MatMul, HasTheSameBitsForAnyNumberOfThreads) {
  const Tensor a = numbers({777, 333}), b = numbers({333, 515}), c = numbers({9, 61, 333});
  const Tensor d = numbers({9, 333, 200}), e = numbers({63, 2000});
  std::vector<Tensor> first;
  for (int threads : {1, 2, 3, 5, 8}) {
    const Threads scope(threads);
    const std::vector<Tensor> now{matmul(a, b), matmul(transposed(b), transposed(a)), matmul(c, b),
                                  matmul(c, d), matmul(e, transposed(e))};
    if (first.empty()) first = now;
    for (std::size_t i = 0; i < now.size(); i++) {
      const auto x = first[i].span<float>(), y = now[i].span<float>();
      EXPECT_TRUE(std::equal(x.begin(), x.end(), y.begin())) << i << " with " << threads;
    }
  }
}

// Though one long sum alone may be cut into several.
TEST(MatMul, AMatrixOfABatchHasTheSameBitsHoweverManyThereAre) {
  Rng rng(4);
  const auto expect = [&](const Dims& left, const Tensor& b) {
    const Tensor a = normal(left, {}, rng), all = matmul(a, b);
    for (Index i = 0; i < 3; i++) {
      const Tensor one = matmul(slice(a, 0, i, i + 1), slice(b, 0, i, i + 1));
      EXPECT_TRUE(test::same_bits(one, slice(all, 0, i, i + 1))) << to_string(left) << " " << i;
    }
  };
  expect({3, 8, 20000}, normal({3, 20000, 9}, {}, rng));
  expect({3, 1, 301}, expand(normal({301, 65}, {}, rng), {3, 301, 65}));
  expect({3, 5, 1, 66}, normal({3, 1, 66, 31}, {}, rng));
}

TEST(MatMul, MistakesNameBothOperands) {
  const Tensor a = numbers({2, 3});
  EXPECT_ERROR(matmul(a, numbers({4, 5})), ShapeError,
               "matmul: inner sizes differ, [2, 3] x [4, 5]");
  EXPECT_ERROR(matmul(a, numbers({2})), ShapeError, "matmul: inner sizes differ, [2, 3] x [2]");
  EXPECT_ERROR(matmul(numbers({4, 2, 3}), numbers({2, 5, 3, 1})), ShapeError,
               "matmul: batch sizes 4 and 5 are neither equal nor 1, [4, 2, 3] x [2, 5, 3, 1]");
  EXPECT_ERROR(matmul(a, scalar(2, float32)), ShapeError,
               "matmul: a scalar is no matrix, [2, 3] x []; use a * b");
  EXPECT_ERROR(
      matmul(a, numbers<double>({3})), DtypeError,
      "matmul: dtypes differ, float32 [2, 3] x float64 [3]; convert one with to(x, dtype)");
  const Tensor whole = Tensor::uninitialized({{3}, int64});
  EXPECT_ERROR(
      matmul(whole, whole), DtypeError,
      "matmul: takes float32 or float64, got int64 [3] x int64 [3]; convert with to(x, float32)");
}

// Rows, columns, small results of long sums, which are cut into several sums, and large ones.
TEST(MatMul, IsAddedToATotal) {
  for (const auto& [m, k, n] : std::vector<std::array<Index, 3>>{{3, 5, 7},
                                                                 {1, 5, 7},
                                                                 {3, 5, 1},
                                                                 {1, 4, 1},
                                                                 {3, 0, 7},
                                                                 {40, 3000, 40},
                                                                 {300, 600, 600}}) {
    SCOPED_TRACE(fmt::format("{} x {} x {}", m, k, n));
    const Tensor a = numbers({m, k}), b = transposed(numbers({n, k}));
    const Tensor before = numbers({m, n});
    Tensor total = before + 0.0;
    add_matmul(a, b, total);
    const Tensor expected = before + matmul(a, b);
    for (Index i = 0; i < total.size(); i++) {
      EXPECT_NEAR(total.data<float>()[i], expected.data<float>()[i], 1e-3);
    }
  }
}

}  // namespace
}  // namespace rw
