// Tensors made from nothing and from numbers of the caller.
#include "rewind/tensor/creation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "rewind/tensor/comparison.h"
#include "rewind/tensor/division.h"
#include "rewind/tensor/extrema.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/views.h"
#include "support/elements.h"

namespace rw {
namespace {

using Values = std::vector<double>;

TEST(Creation, FillsEveryDtype) {
  for (Dtype dtype : {float32, float64, int64, boolean}) {
    EXPECT_EQ(elements(zeros({2, 2}, dtype)), (Values{0, 0, 0, 0}));
    EXPECT_EQ(elements(ones({2}, dtype)), (Values{1, 1}));
    EXPECT_EQ(ones_like(zeros({3}, dtype)).spec(), (Spec{{3}, dtype}));
    EXPECT_EQ(elements(eye(2, 3, dtype)), (Values{1, 0, 0, 0, 1, 0}));
  }
  EXPECT_EQ(elements(full({2}, 0.5)), (Values{0.5, 0.5}));
  EXPECT_EQ(zeros({}).item(), 0);
  EXPECT_EQ(zeros({3, 0, 2}).size(), 0);
  EXPECT_EQ(elements(eye(2)), (Values{1, 0, 0, 1}));
  EXPECT_EQ(eye(0).shape(), (Dims{0, 0}));
  EXPECT_TRUE(std::signbit(full({1}, -0.0).item()));
}

TEST(Creation, RefusesWhatADtypeCannotHold) {
  EXPECT_ERROR(full({1}, 0.5, int64), DtypeError,
               "full: 0.5 is not a whole number, as the elements of int64 [1] are; take a floating "
               "dtype, as in to(x, float32)");
  EXPECT_ERROR(full({1}, 2, boolean), DtypeError,
               "full: 2 is neither 0 nor 1, as the elements of bool [1] are");
  EXPECT_THROW(full({1}, std::numeric_limits<double>::quiet_NaN(), int64), DtypeError);
  EXPECT_THROW(full({1}, 1e300, int64), DtypeError);
  EXPECT_THROW(full({1}, std::numeric_limits<double>::infinity(), int64), DtypeError);
  EXPECT_ERROR(eye(-1), ValueError, "eye: -1 rows and -1 columns; sizes are zero or more");
}

TEST(Numbers, ThatAreFiniteStayFiniteInTheirDtype) {
  const auto text = [](const char* op, const char* number) {
    return fmt::format(
        "{}: {} is infinite as an element of float32 [1]; take float64, as in "
        "to(x, float64), or write infinity",
        op, number);
  };
  const Tensor x = ones({1});
  EXPECT_ERROR(full({1}, 1e300), ValueError, text("full", "1e+300").c_str());
  EXPECT_ERROR(tensor({1e300}), ValueError, text("tensor", "1e+300").c_str());
  EXPECT_ERROR(x * 1e300, ValueError, text("affine", "1e+300").c_str());
  EXPECT_ERROR(x / -3.5e38, ValueError, text("divide", "-3.5e+38").c_str());
  EXPECT_ERROR(clamp(x, {.max = 1e39}), ValueError, text("clamp", "1e+39").c_str());
  EXPECT_ERROR(masked_fill(x, tensor({true}), -1e39), ValueError,
               text("masked_fill", "-1e+39").c_str());
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ((x * -infinity).item(), -infinity);
  EXPECT_EQ(full({1}, std::numeric_limits<float>::max()).item(), std::numeric_limits<float>::max());
  EXPECT_EQ(full({1}, 1e300, float64).item(), 1e300);
  EXPECT_TRUE(std::isnan(full({1}, std::nan("")).item()));
}

TEST(Numbers, AreLookedAtAfterTheDtype) {
  const Tensor yes = tensor({true});
  EXPECT_ERROR(yes / 3, DtypeError,
               "divide: takes float32 or float64, got bool [1] and bool []; use floor_divide, or "
               "convert with to(x, float32)");
  EXPECT_ERROR(pow(0.5, tensor({1})), DtypeError,
               "pow: takes float32 or float64, got int64 []; convert with to(x, float32)");
  EXPECT_ERROR(maximum(yes, 3), DtypeError,
               "maximum: takes numbers, got bool [1]; convert with to(x, int64)");
}

TEST(Arange, CountsFromStartToStop) {
  EXPECT_EQ(elements(arange(3)), (Values{0, 1, 2}));
  EXPECT_EQ(arange(3).dtype(), int64);
  EXPECT_EQ(elements(arange(2, 8, 3)), (Values{2, 5}));
  EXPECT_EQ(elements(arange(2, -2, -1)), (Values{2, 1, 0, -1}));
  EXPECT_EQ(elements(arange(0, 1, 0.25, float64)), (Values{0, 0.25, 0.5, 0.75}));
  EXPECT_EQ(arange(3, 3).size(), 0);
  EXPECT_EQ(arange(3, 0).size(), 0);
}

TEST(Arange, CountsWholeNumbersExactly) {
  const double most = 0x1p53 - 1;
  EXPECT_EQ(elements(arange(-most, most, most)), (Values{-most, 0}));
  EXPECT_EQ(arange(-most, most - 1, 3 * 0x1p51).size(), 3);
  EXPECT_EQ(elements(arange(most, most - 3, -2)), (Values{most, most - 2}));
}

TEST(Arange, RefusesWhatWouldOverflow) {
  EXPECT_THROW(arange(0, 1e19, 4e18), DtypeError);
  EXPECT_THROW(arange(9.2e18, 1.4e19, 4e18), DtypeError);
  EXPECT_THROW(arange(0, 0x1p61, 1, float64), Error);
  EXPECT_THROW(arange(std::numeric_limits<Index>::max()), Error);
}

TEST(Arange, Refuses) {
  EXPECT_ERROR(arange(-1), ValueError, "arange: -1 numbers; a count is zero or more");
  EXPECT_ERROR(arange(0, 1, 0), ValueError, "arange: from 0 to 1 in steps of 0 has no end");
  EXPECT_ERROR(arange(0, 1, 0.5), DtypeError,
               "arange: 0.5 is not a whole number, as the elements of int64 [] are; take a "
               "floating dtype, as in to(x, float32)");
  EXPECT_THROW(arange(0, 2.5), DtypeError);
  EXPECT_ERROR(arange(0, 1, 1, boolean), DtypeError, "arange: takes numbers, got bool");
  EXPECT_THROW(arange(0, 0, 0, float32), ValueError);
}

TEST(Lists, OfUpToThreeLevels) {
  EXPECT_EQ(tensor({0.5, 1.0}).spec(), (Spec{{2}, float32}));
  EXPECT_EQ(tensor({0.5F}).dtype(), float32);
  EXPECT_EQ(tensor({true, false}).dtype(), boolean);
  EXPECT_EQ(tensor({{1, 2}, {3, 4}}).spec(), (Spec{{2, 2}, int64}));
  EXPECT_EQ(tensor({1, 2}, float64).dtype(), float64);
  EXPECT_EQ(elements(tensor({{1, 2, 3}, {4, 5, 6}})), (Values{1, 2, 3, 4, 5, 6}));
  const Tensor cube = tensor({{{1.5, 2.0}, {3.0, 4.0}}, {{5.0, 6.0}, {7.0, 8.0}}});
  EXPECT_EQ(cube.shape(), (Dims{2, 2, 2}));
  EXPECT_EQ(elements(cube), (Values{1.5, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(tensor({{1.0}, {2.0}}).shape(), (Dims{2, 1}));
}

TEST(Lists, KeepIntegersThatNoDoubleHolds) {
  const Index big = (Index{1} << 53) + 1;
  EXPECT_EQ(tensor({big}).span<Index>()[0], big);
}

TEST(Numbers, ThatADoubleMayHaveRoundedAreRefusedBesideIntegers) {
  const Index odd = (Index{1} << 53) + 1;
  const char* text =
      "from where on a C++ number may have been rounded on its way to int64 [1]; make a tensor of "
      "it, as tensor({n})";
  const Tensor x = tensor({odd}), yes = tensor({true});
  EXPECT_ERROR(x - odd, DtypeError,
               fmt::format("affine: -9007199254740992 reaches 2^53, {}", text).c_str());
  EXPECT_ERROR(equal(x, odd), DtypeError,
               fmt::format("equal: 9007199254740992 reaches 2^53, {}", text).c_str());
  EXPECT_THROW(x * odd, DtypeError);
  EXPECT_THROW(full({1}, odd, int64), DtypeError);
  EXPECT_THROW(full({1}, 0x1p60, int64), DtypeError);
  EXPECT_THROW(pad(x, {Border{1, 0}}, odd), DtypeError);
  EXPECT_THROW(masked_fill(x, yes, odd), DtypeError);
  EXPECT_THROW(where(yes, x, odd), DtypeError);
  EXPECT_THROW(clamp(x, {.min = 0x1p53}), DtypeError);
  EXPECT_THROW(maximum(x, odd), DtypeError);
  EXPECT_ERROR(floor_divide(x, odd), DtypeError,
               fmt::format("floor_divide: 9007199254740992 reaches 2^53, {}", text).c_str());
  EXPECT_THROW(scalar(odd, int64), DtypeError);
  Tensor y = x;
  EXPECT_THROW(y.set(0, odd), DtypeError);
  EXPECT_EQ((x - tensor({odd})).item(), 0);
  EXPECT_EQ((x - (odd - 2)).item(), 2);
  EXPECT_EQ((ones({1}, float64) * odd).item(), 0x1p53);
}

TEST(Lists, Refuse) {
  EXPECT_ERROR(tensor({{1, 2}, {3}}), ShapeError,
               "tensor: lists of 2 and 1 on one level; all must be as long as the first");
  EXPECT_THROW(tensor({{{1}, {2}}, {{3}}}), ShapeError);
  EXPECT_THROW(tensor({{{1}, {2, 3}}}), ShapeError);
  EXPECT_ERROR(tensor({1.5}, int64), DtypeError,
               "tensor: 1.5 is not a whole number, as the elements of int64 [1] are; take a "
               "floating dtype, as in to(x, float32)");
  EXPECT_ERROR(tensor({0, 2}, boolean), DtypeError,
               "tensor: 2 is neither 0 nor 1, as the elements of bool [2] are");
  EXPECT_ERROR(tensor({std::uint64_t{1} << 63}), DtypeError,
               "tensor: 9223372036854775808 is beyond int64");
}

TEST(FromSpan, Copies) {
  std::vector<float> numbers{1, 2, 3, 4, 5, 6};
  const Tensor x = from_span(numbers, {2, 3});
  numbers[0] = 9;
  EXPECT_EQ(elements(x), (Values{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(from_span(std::vector<Index>{}, {0, 3}).spec(), (Spec{{0, 3}, int64}));
  EXPECT_EQ(from_span(std::array{true, false}, {2}).dtype(), boolean);
  EXPECT_ERROR(from_span(numbers, {4}), ShapeError,
               "from_span: 6 numbers do not fill float32 [4], which has 4");
}

TEST(FromBlob, ReadsWhereTheNumbersLie) {
  int released = 0;
  float numbers[] = {1, 2, 3, 4, 5, 6};
  {
    const Tensor x = from_blob(numbers, {2, 3}, [&] { released++; });
    EXPECT_EQ(x.data<float>(), numbers);
    const Tensor row = x[1];
    EXPECT_EQ(elements(row), (Values{4, 5, 6}));
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
  EXPECT_EQ(elements(from_blob(numbers, {3, 2}, {1, 3})), (Values{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(elements(from_blob(numbers, {2, 2}, {0, 1})), (Values{1, 2, 1, 2}));
}

TEST(FromBlob, Refuses) {
  const double number = 1;
  EXPECT_ERROR(from_blob(&number, {1, 1}, {1}), ShapeError,
               "from_blob: 1 strides for float64 [1, 1]; one per axis");
  alignas(8) const std::byte bytes[24]{};
  EXPECT_ERROR(from_blob(bytes + 4, {{2}, float64}), ValueError,
               "from_blob: the address of float64 [2] is 4 modulo 8, and must be a multiple of 8; "
               "copy the numbers to such a place");
  EXPECT_ERROR(from_blob(bytes + 3, {{2}, float32}, Dims{1}), ValueError,
               "from_blob: the address of float32 [2] is 3 modulo 4, and must be a multiple of 4; "
               "copy the numbers to such a place");
  EXPECT_EQ(elements(from_blob(bytes + 4, {{2}, float32})), (Values{0, 0}));
  EXPECT_EQ(elements(from_blob(bytes + 3, {{2}, boolean})), (Values{0, 0}));
  const float* none = nullptr;
  EXPECT_ERROR(from_blob(none, {1}), ValueError, "from_blob: no data for float32 [1]");
  EXPECT_EQ(elements(from_blob(none, {0})), (Values{}));
}

}  // namespace
}  // namespace rw
