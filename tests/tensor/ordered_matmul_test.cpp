// The ordered product against its definition, and its elements against those of single rows and
// columns, bit for bit.
#include "rewind/tensor/ordered_matmul.h"

#include <gtest/gtest.h>

#include "rewind/tensor/parallel.h"
#include "rewind/tensor/views.h"
#include "support/allocations.h"
#include "support/elements.h"
#include "support/same_bits.h"
#include "tensor/every_target.h"
#include "tensor/products.h"

namespace rw {
namespace {

using test::numbers, test::same_bits, test::transposed;

TEST(OrderedMatMul, IsTheDefinitionForEveryLayout) {
  test::expect_matrices_of_every_layout(ordered_matmul);
}

TEST(OrderedMatMul, BatchesBroadcastInEveryLayout) {
  test::expect_batches_of_every_layout(ordered_matmul);
}

// Several blocks of rows, of columns and of terms, none of them full.
TEST(OrderedMatMul, LargeProductsAreCutIntoBlocksThatFitTogether) {
  const auto expect = [](const auto& a, const auto& b) {
    test::expect_product<float>(ordered_matmul, a, b);
  };
  expect(numbers({1031, 667}), numbers({667, 259}));
  expect(numbers({3, 300}), numbers({300, 5003}));
  expect(transposed(numbers({70, 1031})), transposed(numbers({259, 70})));
  expect(numbers({1, 9001}), numbers({9001, 3}));
  expect(numbers({2, 515, 40}), numbers({2, 40, 131}));
  test::expect_product<double>(ordered_matmul, numbers<double>({5, 300}),
                               transposed(numbers<double>({503, 300})));
}

TEST(OrderedMatMul, AVectorIsARowOnTheLeftAndAColumnOnTheRight) {
  test::expect_vectors_to_be_rows_and_columns(ordered_matmul);
}

// Elements by themselves, each the product of a row and a column, however these lie.
template <class T>
void expect_elements_alone(const Tensor& a, const Tensor& b) {
  const Tensor all = ordered_matmul(a, b);
  for (Index i = 0; i < a.dim(0); i += 7) {
    for (Index j = 0; j < b.dim(1); j += 5) {
      const Tensor one = ordered_matmul(slice(a, 0, i, i + 1), slice(b, 1, j, j + 1));
      ASSERT_EQ(all.data<T>()[i * b.dim(1) + j], one.data<T>()[0]) << i << ", " << j;
    }
  }
}

TEST(OrderedMatMul, AnElementHasTheBitsOfItsRowAndItsColumnAlone) {
  kernels::for_every_target([] {
    for (const Tensor& a : test::layouts_of<float>({83, 330})) {
      for (const Tensor& b : test::layouts_of<float>({330, 141}))
        expect_elements_alone<float>(a, b);
    }
    expect_elements_alone<double>(numbers<double>({601, 330}), numbers<double>({330, 141}));
  });
}

TEST(OrderedMatMul, AMatrixOfABatchHasTheBitsOfThatMatrixAlone) {
  const Tensor a = numbers({3, 9, 200}), b = numbers({200, 33}), each = numbers({3, 200, 33});
  for (Index i = 0; i < 3; i++) {
    const Tensor rows = slice(a, 0, i, i + 1), matrix = slice(each, 0, i, i + 1);
    EXPECT_TRUE(same_bits(ordered_matmul(rows, b), slice(ordered_matmul(a, b), 0, i, i + 1)));
    EXPECT_TRUE(
        same_bits(ordered_matmul(rows, matrix), slice(ordered_matmul(a, each), 0, i, i + 1)));
  }
}

TEST(OrderedMatMul, HasTheSameBitsForAnyNumberOfThreads) {
  const Tensor a = numbers({777, 333}), b = numbers({333, 515}), c = numbers({9, 61, 333});
  const Tensor d = numbers({9, 333, 200});
  std::vector<Tensor> first;
  for (const int threads : {1, 2, 3, 5, 8}) {
    const Threads scope(threads);
    const std::vector<Tensor> now{ordered_matmul(a, b),
                                  ordered_matmul(transposed(b), transposed(a)),
                                  ordered_matmul(c, b), ordered_matmul(c, d)};
    if (first.empty()) first = now;
    for (std::size_t i = 0; i < now.size(); i++) {
      EXPECT_TRUE(same_bits(first[i], now[i])) << i << " with " << threads;
    }
  }
}

TEST(OrderedMatMul, TakesNoMemoryOfItsOwn) {
  const Tensor a = numbers({2, 33, 300}), b = numbers({300, 141}),
               each = transposed(numbers({2, 141, 300}));
  Tensor y = Tensor::uninitialized({{2, 33, 141}, float32});
  const auto fill = [&] {
    const Threads alone(1);  // waking others may take memory
    OrderedMatMul{}.run(a, b, y);
    OrderedMatMul{}.run(a, each, y);
  };
  EXPECT_EQ(test::allocations_of(fill), 0u);
}

TEST(OrderedMatMul, MistakesNameTheOperation) {
  const Tensor a = numbers({2, 3});
  EXPECT_ERROR(ordered_matmul(a, numbers({4, 5})), ShapeError,
               "ordered_matmul: inner sizes differ, [2, 3] x [4, 5]");
  EXPECT_ERROR(
      ordered_matmul(numbers({4, 2, 3}), numbers({5, 3, 1})), ShapeError,
      "ordered_matmul: batch sizes 4 and 5 are neither equal nor 1, [4, 2, 3] x [5, 3, 1]");
}

}  // namespace
}  // namespace rw
