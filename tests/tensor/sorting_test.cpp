// Order along an axis.
#include "rewind/tensor/sorting.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "rewind/tensor/creation.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/views.h"
#include "support/elements.h"

namespace rw {
namespace {

using Values = std::vector<double>;

TEST(Sort, GivesValuesAndPositions) {
  const auto [values, order] = sort(tensor({3, 1, 2}));
  EXPECT_EQ(elements(values), (Values{1, 2, 3}));
  EXPECT_EQ(elements(order), (Values{1, 2, 0}));
  EXPECT_EQ(elements(sort(tensor({3, 1, 2}), 0, true)[0]), (Values{3, 2, 1}));
  EXPECT_EQ(elements(argsort(tensor({true, false, true}))), (Values{1, 0, 2}));
}

TEST(Sort, OrdersEveryAxisAsTheLoopDoes) {
  Rng rng(1);
  const Tensor x = transpose(normal({3, 4, 5}, {}, rng), 0, 1);
  for (Index axis = 0; axis < 3; axis++) {
    const Tensor lines = transpose(x, axis, -1);
    const Tensor sorted = transpose(sort(x, axis)[0], axis, -1);
    for (Index i = 0; i < lines.dim(0); i++) {
      for (Index j = 0; j < lines.dim(1); j++) {
        Values line = elements(lines[i][j]);
        std::sort(line.begin(), line.end());
        ASSERT_EQ(elements(sorted[i][j]), line);
      }
    }
  }
}

TEST(Sort, KeepsTheOrderOfEqualElements) {
  EXPECT_EQ(elements(argsort(tensor({1, 0, 1, 0}))), (Values{1, 3, 0, 2}));
  EXPECT_EQ(elements(argsort(tensor({1, 0, 1, 0}), 0, true)), (Values{0, 2, 1, 3}));
  EXPECT_EQ(elements(argsort(tensor({0.0, -0.0}))), (Values{0, 1}));
}

TEST(Sort, PutsNaNLast) {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  const Tensor x = tensor({nan, 1.0, nan, -infinity, infinity});
  EXPECT_EQ(elements(argsort(x)), (Values{3, 1, 4, 0, 2}));
  EXPECT_EQ(elements(argsort(x, 0, true)), (Values{4, 1, 3, 0, 2}));
  EXPECT_EQ(elements(topk(x, 4)[1]), (Values{4, 1, 3, 0}));
  EXPECT_EQ(elements(topk(x, 1, 0, false)[1]), (Values{3}));
}

TEST(TopK, IsTheBeginningOfTheSort) {
  Rng rng(2);
  const Tensor x = normal({4, 6, 3}, {}, rng);
  for (Index axis = 0; axis < 3; axis++) {
    for (Index k = 0; k <= x.dim(axis); k++) {
      for (bool largest : {true, false}) {
        const auto some = topk(x, k, axis, largest);
        const auto all = sort(x, axis, largest);
        EXPECT_EQ(elements(some[0]), elements(slice(all[0], axis, 0, k)));
        EXPECT_EQ(elements(some[1]), elements(slice(all[1], axis, 0, k)));
      }
    }
  }
}

TEST(Sort, EmptyTensors) {
  EXPECT_EQ(sort(zeros({0}))[0].shape(), (Dims{0}));
  EXPECT_EQ(argsort(zeros({2, 0, 3}), 0).shape(), (Dims{2, 0, 3}));
  EXPECT_EQ(topk(zeros({2, 3}), 0)[1].shape(), (Dims{2, 0}));
}

TEST(Sort, Refuses) {
  EXPECT_ERROR(topk(zeros({2, 3}), 4), IndexError, "topk: 4 elements of axis 1 of float32 [2, 3]");
  EXPECT_THROW(topk(zeros({2, 3}), -1), IndexError);
  EXPECT_ERROR(argsort(scalar(1, float32)), IndexError,
               "argsort: axis -1 is outside a tensor of rank 0");
  EXPECT_ERROR(sort(zeros({2}), 1), IndexError, "sort: axis 1 is outside a tensor of rank 1");
}

}  // namespace
}  // namespace rw
