// Tensors as text: alignment, digits, what is left out, formats.
#include "rewind/tensor/print.h"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "rewind/tensor/creation.h"
#include "rewind/tensor/views.h"
#include "support/elements.h"

namespace rw {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor counting(const Dims& shape) { return reshape(arange(shape.count()), shape); }

TEST(Print, OneNumberHasNoBrackets) {
  EXPECT_EQ(to_string(scalar(2.5, float32)), "tensor(2.5, shape=[], float32)");
}

TEST(Print, ColumnsStandBelowEachOther) {
  EXPECT_EQ(to_string(tensor({{1.0, 2.5}, {3.0, -1.0}})),
            "tensor([[ 1.0,  2.5],\n"
            "        [ 3.0, -1.0]], shape=[2, 2], float32)");
  EXPECT_EQ(to_string(tensor({{1, 200}, {-3, 4}})),
            "tensor([[  1, 200],\n"
            "        [ -3,   4]], shape=[2, 2], int64)");
}

TEST(Print, WholeFloatsNeedNoPoint) {
  EXPECT_EQ(to_string(ones({3})), "tensor([1, 1, 1], shape=[3], float32)");
}

TEST(Print, DigitsAreThoseOfTheNumberThatNeedsMost) {
  EXPECT_EQ(to_string(tensor({0.1, 0.25, 3.0})), "tensor([0.10, 0.25, 3.00], shape=[3], float32)");
  EXPECT_EQ(to_string(tensor({2.0 / 3}, float64)), "tensor([0.6667], shape=[1], float64)");
  EXPECT_EQ(to_string(tensor({2.0 / 3}, float64), {.precision = 7}),
            "tensor([0.6666667], shape=[1], float64)");
}

TEST(Print, ExponentsWhereTheRangeWantsThem) {
  EXPECT_EQ(to_string(tensor({1.5e-5, 1.0})), "tensor([1.5e-05, 1.0e+00], shape=[2], float32)");
  EXPECT_EQ(to_string(tensor({1e8})), "tensor([1e+08], shape=[1], float32)");
  EXPECT_EQ(to_string(tensor({0.5, 1000.0})), "tensor([5e-01, 1e+03], shape=[2], float32)");
  EXPECT_EQ(to_string(tensor({1.0, 1000.0, 0.0})),
            "tensor([   1, 1000,    0], shape=[3], float32)");
}

TEST(Print, NanAndInfinityAreAligned) {
  EXPECT_EQ(to_string(tensor({1.5, kNan, kInfinity, -kInfinity})),
            "tensor([ 1.5,  nan,  inf, -inf], shape=[4], float32)");
  EXPECT_EQ(to_string(tensor({kNan})), "tensor([nan], shape=[1], float32)");
}

TEST(Print, BoolIsAWord) {
  EXPECT_EQ(to_string(tensor({true, false})), "tensor([ true, false], shape=[2], bool)");
}

TEST(Print, ZeroSizesKeepTheirShape) {
  EXPECT_EQ(to_string(zeros({0, 3})), "tensor([], shape=[0, 3], float32)");
  EXPECT_EQ(to_string(zeros({2, 0})), "tensor([], shape=[2, 0], float32)");
}

TEST(Print, BlocksStandApart) {
  EXPECT_EQ(to_string(counting({2, 2, 2})),
            "tensor([[[0, 1],\n"
            "         [2, 3]],\n"
            "\n"
            "        [[4, 5],\n"
            "         [6, 7]]], shape=[2, 2, 2], int64)");
}

TEST(Print, ViewsPrintWhatTheyShow) {
  EXPECT_EQ(to_string(transpose(counting({2, 3}))),
            "tensor([[0, 3],\n"
            "        [1, 4],\n"
            "        [2, 5]], shape=[3, 2], int64)");
}

TEST(Print, LongRowsAreBroken) {
  EXPECT_EQ(to_string(counting({12}), {.width = 20}),
            "tensor([ 0,  1,  2,\n"
            "         3,  4,  5,\n"
            "         6,  7,  8,\n"
            "         9, 10, 11], shape=[12], int64)");
}

TEST(Print, MoreThanAThousandElementsAreSummarised) {
  EXPECT_EQ(to_string(counting({1001})),
            "tensor([   0,    1,    2, ...,  998,  999, 1000], shape=[1001], int64)");
  EXPECT_EQ(to_string(counting({100, 100})),
            "tensor([[   0,    1,    2, ...,   97,   98,   99],\n"
            "        [ 100,  101,  102, ...,  197,  198,  199],\n"
            "        [ 200,  201,  202, ...,  297,  298,  299],\n"
            "        ...,\n"
            "        [9700, 9701, 9702, ..., 9797, 9798, 9799],\n"
            "        [9800, 9801, 9802, ..., 9897, 9898, 9899],\n"
            "        [9900, 9901, 9902, ..., 9997, 9998, 9999]], shape=[100, 100], int64)");
  EXPECT_EQ(to_string(counting({1000})).find("..."), std::string::npos);
  EXPECT_EQ(to_string(counting({10}), {.threshold = 5, .edge = 1}),
            "tensor([0, ..., 9], shape=[10], int64)");
}

TEST(Print, EveryElementTakesTheFormatThatIsGiven) {
  const Tensor x = tensor({1.0, -2.0 / 3});
  EXPECT_EQ(fmt::format("{:.3f}", x), "tensor([ 1.000, -0.667], shape=[2], float32)");
  EXPECT_EQ(fmt::format("{:+.1e}", x), "tensor([+1.0e+00, -6.7e-01], shape=[2], float32)");
  EXPECT_EQ(fmt::format("{}", x), to_string(x));
  EXPECT_EQ(fmt::format("{:.3f}", tensor({1, 2})), "tensor([1, 2], shape=[2], int64)");
  EXPECT_EQ(fmt::format("{:x}", tensor({10, 255})), "tensor([ a, ff], shape=[2], int64)");
  EXPECT_EQ(fmt::format("{:x}", ones({1})), "tensor([1], shape=[1], float32)");
}

TEST(Print, AFormatThatMakesNoSenseIsAValueError) {
  EXPECT_THROW(to_string(ones({1}), {.format = "!!f"}), ValueError);
  EXPECT_ERROR(to_string(ones({1}), {.edge = 0}), ValueError,
               "print: edge 0 and width 80 must be at least 1");
}

TEST(Print, TakesAnyEdgeAndNoMoreDigitsThanADoubleHas) {
  const Index most = std::numeric_limits<Index>::max();
  EXPECT_EQ(to_string(counting({4}), {.threshold = 1, .edge = most}),
            "tensor([0, 1, 2, 3], shape=[4], int64)");
  EXPECT_EQ(to_string(tensor({0.5}), {.precision = 1074}), "tensor([0.5], shape=[1], float32)");
  for (const Index precision : {Index{-1}, Index{1075}, most}) {
    EXPECT_ERROR(to_string(ones({1}), {.precision = precision}), ValueError,
                 fmt::format("print: precision {} is outside [0, 1074], the digits that a double "
                             "can have after its point",
                             precision)
                     .c_str());
  }
}

TEST(Print, WhatHasNoNumbersPrintsTooAndNeverThrows) {
  EXPECT_EQ(to_string(Tensor::shape_only({{2, 3}, float32})), "tensor(?, shape=[2, 3], float32)");
  EXPECT_EQ(to_string(Tensor()), "tensor(none)");
}

TEST(Print, StreamsTakeTensors) {
  std::ostringstream out;
  out << tensor({1, 2});
  EXPECT_EQ(out.str(), "tensor([1, 2], shape=[2], int64)");
}

}  // namespace
}  // namespace rw
