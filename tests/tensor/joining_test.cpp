// Joining against the definition.
#include "rewind/tensor/joining.h"

#include <gtest/gtest.h>

#include "rewind/tensor/creation.h"
#include "rewind/tensor/views.h"
#include "support/elements.h"

namespace rw {
namespace {

using Values = std::vector<double>;

Tensor counting(const Dims& shape) { return reshape(arange(shape.count()), shape); }

TEST(Concat, JoinsTheLastAxisByDefault) {
  const Tensor x = counting({2, 2});
  const Tensor y = concat({x, 10 + counting({2, 1})});
  EXPECT_EQ(y.shape(), (Dims{2, 3}));
  EXPECT_EQ(elements(y), (Values{0, 1, 10, 2, 3, 11}));
}

TEST(Concat, JoinsAnyAxisOfStridedInputs) {
  const Tensor x = transpose(counting({2, 3}));
  EXPECT_EQ(elements(concat({x, x}, 0)), (Values{0, 3, 1, 4, 2, 5, 0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(elements(concat({x, x}, 1)), (Values{0, 3, 0, 3, 1, 4, 1, 4, 2, 5, 2, 5}));
  EXPECT_EQ(elements(concat({expand(ones({1}), {2}), zeros({1})})), (Values{1, 1, 0}));
}

TEST(Concat, IsUndoneBySplit) {
  const Tensor x = counting({3, 4, 5});
  for (Index axis = 0; axis < 3; axis++) {
    EXPECT_EQ(elements(concat(split(x, 2, axis), axis)), elements(x));
  }
}

TEST(Concat, TakesEmptyPieces) {
  EXPECT_EQ(elements(concat({zeros({0, 2}), ones({1, 2})}, 0)), (Values{1, 1}));
  EXPECT_EQ(concat({zeros({2, 0}), zeros({2, 0})}).shape(), (Dims{2, 0}));
}

TEST(Concat, Refuses) {
  EXPECT_ERROR(concat({zeros({2, 3}), zeros({3, 3})}), ShapeError,
               "concat: float32 [2, 3] and float32 [3, 3] do not fit together along axis 1; all "
               "other sizes must be equal");
  EXPECT_THROW(concat({zeros({2, 3}), zeros({2})}), ShapeError);
  EXPECT_ERROR(concat({zeros({2}), zeros({2}, int64)}), DtypeError,
               "concat: dtypes differ, float32 [2] and int64 [2]; convert one with to(x, dtype)");
  EXPECT_ERROR(concat(std::vector<Tensor>{}), ShapeError,
               "concat: no tensors; at least one is needed");
  EXPECT_ERROR(concat({scalar(1, float32)}), IndexError,
               "concat: axis -1 is outside a tensor of rank 0");
}

TEST(Stack, MakesANewAxis) {
  const Tensor x = counting({2, 2});
  EXPECT_EQ(elements(stack({x, 10 + x})), (Values{0, 1, 2, 3, 10, 11, 12, 13}));
  EXPECT_EQ(elements(stack({x, 10 + x}, 1)), (Values{0, 1, 10, 11, 2, 3, 12, 13}));
  EXPECT_EQ(elements(stack({x, 10 + x}, -1)), (Values{0, 10, 1, 11, 2, 12, 3, 13}));
  EXPECT_EQ(elements(stack({transpose(x), x})), (Values{0, 2, 1, 3, 0, 1, 2, 3}));
  EXPECT_EQ(elements(stack({scalar(1, int64), scalar(2, int64)})), (Values{1, 2}));
  EXPECT_EQ(stack({zeros({0}), zeros({0})}).shape(), (Dims{2, 0}));
}

TEST(Stack, Refuses) {
  EXPECT_ERROR(stack({zeros({2}), zeros({3})}), ShapeError,
               "stack: shapes differ, float32 [2] and float32 [3]");
  EXPECT_ERROR(stack({zeros({2}), zeros({2}, boolean)}), DtypeError,
               "stack: dtypes differ, float32 [2] and bool [2]; convert one with to(x, dtype)");
  EXPECT_ERROR(stack(std::vector<Tensor>{}), ShapeError,
               "stack: no tensors; at least one is needed");
}

TEST(Pad, DrawsABorder) {
  const Tensor x = counting({2, 2});
  EXPECT_EQ(elements(pad(x, {{1, 0}, {0, 2}}, 9)), (Values{9, 9, 9, 9, 0, 1, 9, 9, 2, 3, 9, 9}));
  EXPECT_EQ(elements(pad(transpose(x), {{0, 0}, {1, 0}})), (Values{0, 0, 2, 0, 1, 3}));
  EXPECT_EQ(elements(pad(zeros({0, 1}), {{1, 1}, {0, 0}}, 1)), (Values{1, 1}));
  EXPECT_EQ(pad(scalar(3, float32), std::span<const Border>()).item(), 3);
}

TEST(Pad, Refuses) {
  const Tensor x = counting({2, 2});
  EXPECT_ERROR(pad(x, {{1, 1}}), ShapeError,
               "pad: 1 borders for int64 [2, 2]; give {before, after} for each axis");
  EXPECT_ERROR(pad(x, {{0, 0}, {-1, 1}}), ValueError,
               "pad: a border of -1 before and 1 after axis 1; to cut, use slice");
  EXPECT_ERROR(
      pad(x, {{0, 0}, {0, 1}}, 0.5), DtypeError,
      "pad: 0.5 is not a whole number, as the elements of int64 [2, 2] are; take a floating "
      "dtype, as in to(x, float32)");
  EXPECT_THROW(pad(x, {{0, 0}, {0, kEnd}}), ShapeError);
}

TEST(Repeat, TilesAsNumPyDoes) {
  const Tensor x = counting({2, 2});
  EXPECT_EQ(elements(repeat(x, {1, 2})), (Values{0, 1, 0, 1, 2, 3, 2, 3}));
  EXPECT_EQ(elements(repeat(x, {2, 1})), (Values{0, 1, 2, 3, 0, 1, 2, 3}));
  EXPECT_EQ(elements(repeat(transpose(x), {2})), (Values{0, 2, 0, 2, 1, 3, 1, 3}));
  EXPECT_EQ(elements(repeat(arange(2), {2, 2})), (Values{0, 1, 0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(repeat(x, {2, 3, 4}).shape(), (Dims{2, 6, 8}));
  EXPECT_EQ(repeat(x, {0, 3}).shape(), (Dims{0, 6}));
  EXPECT_EQ(repeat(zeros({0, 2}), {3, 2}).shape(), (Dims{0, 4}));
  EXPECT_EQ(elements(repeat(scalar(4, int64), {3})), (Values{4, 4, 4}));
  EXPECT_THROW(repeat(x, {kEnd, 1}), ShapeError);
}

TEST(Repeat, EveryElementIsThatOfTheTile) {
  const Tensor x = counting({2, 3, 2});
  const Tensor y = repeat(x, {2, 3, 2});
  for (Index i = 0; i < 4; i++) {
    for (Index j = 0; j < 9; j++) {
      for (Index k = 0; k < 4; k++) {
        ASSERT_EQ(y[i][j][k].item(), x[i % 2][j % 3][k % 2].item());
      }
    }
  }
}

}  // namespace
}  // namespace rw
