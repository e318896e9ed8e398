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
#include "support/same_bits.h"
#include "tensor/products.h"

namespace rw {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

using test::numbers, test::poison, test::transposed;

TEST(MatMul, IsTheDefinitionForEveryLayout) { test::expect_matrices_of_every_layout(matmul); }

TEST(MatMul, BatchesBroadcastInEveryLayout) { test::expect_batches_of_every_layout(matmul); }

TEST(MatMul, LargeProductsAreCutIntoPiecesThatFitTogether) {
  test::expect_product<float>(matmul, numbers({1031, 67}), numbers({67, 259}));
  test::expect_product<float>(matmul, numbers({3, 300}), numbers({300, 5003}));
  test::expect_product<float>(matmul, transposed(numbers({70, 1031})),
                              transposed(numbers({259, 70})));
  test::expect_product<double>(matmul, numbers<double>({5, 300}),
                               transposed(numbers<double>({5003, 300})));
  test::expect_product<float>(matmul, numbers({1, 2000}), numbers({2000, 3001}));
  // Long sums of a small result.
  test::expect_product<float>(matmul, transposed(numbers({1601, 61})), numbers({1601, 67}));
  test::expect_product<double>(matmul, numbers<double>({37, 2003}),
                               transposed(numbers<double>({51, 2003})));
}

TEST(MatMul, AVectorIsARowOnTheLeftAndAColumnOnTheRight) {
  test::expect_vectors_to_be_rows_and_columns(matmul);
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
