// floor_divide, remainder, pow.
#include "rewind/tensor/division.h"

#include <limits>

#include "support/message_of.h"
#include "support/reference.h"

namespace rw {
namespace {

using namespace reference;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr Index kSmallest = std::numeric_limits<Index>::min();

// b * (a / b) with the quotient going down; never zero.
Tensor divisors(const Spec& spec) {
  Tensor x = sample(spec, 9);
  dispatch_number("", spec.dtype, [&](auto v) {
    for (auto& d : x.mutable_span<decltype(v)>()) d = d == 0 ? decltype(v){3} : d;
  });
  return x;
}

TEST(Division, EqualsItsNaiveTwinWithBroadcasting) {
  const std::pair<Dims, Dims> pairs[] = {{{2, 3}, {2, 3}}, {{4, 1}, {1, 5}}, {{}, {3}},
                                         {{2, 0}, {1}},    {{70}, {}},       {{2, 1, 3}, {5, 1}}};
  for (Dtype dtype : {float32, float64, int64}) {
    for (const auto& [left, right] : pairs) {
      const Dims shape = broadcast("", left, right);
      for (const Tensor& a : layouts({left, dtype})) {
        const Tensor b = divisors({right, dtype});
        const double tolerance = precision(dtype);
        const Array quotients =
            zip([](double p, double q) { return std::floor(p / q); }, shape, a, b);
        expect_close(floor_divide(a, b), quotients, tolerance);
        // Close to a multiple the remainder has few digits left, in the twin alone.
        const Array sum =
            zip([](double p, double q) { return 100 + p - std::floor(p / q) * q; }, shape, a, b);
        expect_close(remainder(a, b) + 100, sum, tolerance);
        if (dtype == int64) continue;
        const Tensor base = a * a;
        expect_close(pow(base, b),
                     zip([](double p, double q) { return std::pow(p, q); }, shape, base, b),
                     tolerance);
      }
    }
  }
}

TEST(Division, QuotientsAreWholeAlsoWhereTheirOwnRoundingIsNot) {
  const Tensor a = doubles({2}, {9850868243.521303, -17319991462.044254});
  const Tensor b = doubles({2}, {1.217690698460006, 4.150100943202663});
  expect_close(floor_divide(a, b), {{2}, {8089795098, -4173390407}}, 0);
}

TEST(Division, ByZeroNamesThePlaceOrGivesTheLimit) {
  const Tensor zero = tensor<Index>({2, 2}, {1, 2, 0, 4});
  EXPECT_EQ(message_of<ValueError>([&] { floor_divide(1, zero); }),
            "floor_divide: division by zero, the divisor at [1, 0] of int64 [2, 2]");
  EXPECT_EQ(message_of<ValueError>([&] { remainder(zero, 0); }),
            "remainder: division by zero, the divisor at [] of int64 []");
  EXPECT_EQ(floor_divide(tensor<Index>({0}, {}), 0).size(), 0);
  const Tensor x = doubles({3}, {1, -1, 0});
  expect_close(floor_divide(x, 0), {{3}, {kInf, -kInf, NAN}}, 0);
  expect_close(remainder(x, 0), {{3}, {NAN, NAN, NAN}}, 0);
}

TEST(Division, TheSmallestIntegerByMinusOneWraps) {
  const Tensor x = tensor<Index>({2}, {kSmallest, 7});
  EXPECT_EQ(floor_divide(x, -1).span<Index>()[0], kSmallest);
  EXPECT_EQ(floor_divide(x, -1).span<Index>()[1], -7);
  EXPECT_EQ(remainder(x, -1).span<Index>()[0], 0);
}

TEST(Division, NamesWhatItDoesNotTake) {
  EXPECT_EQ(message_of<DtypeError>([] {
              remainder(sample({{2}, boolean}), sample({{2}, boolean}));
            }),
            "remainder: takes numbers, got bool [2]; convert with to(x, int64)");
  EXPECT_EQ(message_of<DtypeError>([] {
              pow(sample({{2}, int64}), 2);
            }),
            "pow: takes float32 or float64, got int64 [2]; convert with to(x, float32)");
  EXPECT_EQ(
      message_of<DtypeError>([] {
        floor_divide(sample({{2}, int64}), 0.5);
      }),
      "floor_divide: 0.5 is not a whole number, as the elements of int64 [2] are; take a floating "
      "dtype, as in to(x, float32)");
}

TEST(Pow, OfTwoIsTheExactSquare) {
  const Tensor x = sample({{100}, float32});
  expect_close(pow(x, 2), array(x * x), 0);
  expect_close(pow(2, doubles({3}, {0, 1, 10})), {{3}, {1, 2, 1024}}, 0);
  expect_close(pow(doubles({2}, {4, 9}), 0.5), {{2}, {2, 3}}, 0);
}

}  // namespace
}  // namespace rw
