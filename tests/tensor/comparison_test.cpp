// Comparisons and logic: values with broadcasting, NaN, numbers beside tensors.
#include "rewind/tensor/comparison.h"

#include "support/message_of.h"
#include "support/reference.h"

namespace rw {
namespace {

using namespace reference;

struct Row {
  const char* name;
  Tensor (*function)(const Tensor&, const Tensor&);
  bool (*naive)(double, double);
};

const Row kComparisons[] = {
    {"equal", equal, [](double a, double b) { return a == b; }},
    {"not_equal", not_equal, [](double a, double b) { return a != b; }},
    {"less", less, [](double a, double b) { return a < b; }},
    {"less_equal", less_equal, [](double a, double b) { return a <= b; }},
    {"greater", greater, [](double a, double b) { return a > b; }},
    {"greater_equal", greater_equal, [](double a, double b) { return a >= b; }},
};

TEST(Comparison, EqualsItsNaiveTwinWithBroadcasting) {
  const std::pair<Dims, Dims> pairs[] = {{{2, 3}, {2, 3}}, {{2, 3}, {3}},       {{4, 1}, {1, 5}},
                                         {{}, {3}},        {{2, 0}, {1}},       {{0}, {0}},
                                         {{70}, {}},       {{2, 1, 3}, {5, 1}}, {{1}, {1, 1}}};
  for (const Row& row : kComparisons) {
    for (Dtype dtype : {float32, float64, int64, boolean}) {
      for (const auto& [left, right] : pairs) {
        for (const Tensor& a : layouts({left, dtype}, 1)) {
          for (const Tensor& b : layouts({right, dtype}, 2)) {
            const Tensor y = row.function(a, b);
            EXPECT_EQ(y.dtype(), boolean);
            expect_close(y, zip(row.naive, broadcast("", left, right), a, b), 0, row.name);
          }
        }
      }
    }
  }
}

TEST(Comparison, NothingComparesWithNan) {
  const Tensor nan = doubles({1}, {NAN}), one = doubles({1}, {1});
  for (const Row& row : kComparisons) {
    const bool different = std::string(row.name) == "not_equal";
    EXPECT_EQ(row.function(nan, one).item(), different);
    EXPECT_EQ(row.function(one, nan).item(), different);
    EXPECT_EQ(row.function(nan, nan).item(), different);
  }
}

TEST(Comparison, OperatorsTakeNumbersOnEitherSide) {
  const Tensor x = doubles({3}, {1, 2, 3});
  const auto expect = [&](const Tensor& y, const std::vector<double>& values) {
    expect_close(y, {{3}, values}, 0);
  };
  expect(x < 2, {1, 0, 0});
  expect(x <= 2, {1, 1, 0});
  expect(x > 2, {0, 0, 1});
  expect(x >= 2, {0, 1, 1});
  expect(2 < x, {0, 0, 1});
  expect(2 <= x, {0, 1, 1});
  expect(2 > x, {1, 0, 0});
  expect(2 >= x, {1, 1, 0});
  expect(equal(x, 2), {0, 1, 0});
  expect(not_equal(x, 2), {1, 0, 1});
  expect(x < x * x, {0, 1, 1});
  expect(x >= x * x, {1, 0, 0});
}

TEST(Comparison, ANumberMustMeanTheSameBesideTheTensor) {
  const Tensor integers = tensor<Index>({2}, {1, 2});
  EXPECT_EQ(message_of<DtypeError>([&] { return integers < 1.5; }),
            "less: 1.5 is not a whole number, as the elements of int64 [2] are; take a floating "
            "dtype, as in to(x, float32)");
  EXPECT_EQ(message_of<DtypeError>([&] { return equal(tensor<bool>({1}, {true}), 2); }),
            "equal: 2 is neither 0 nor 1, as the elements of bool [1] are");
  EXPECT_EQ(message_of<DtypeError>([&] {
              return integers < doubles({2}, {1, 2});
            }),
            "less: dtypes differ, int64 [2] and float64 [2]; convert one with to(x, dtype)");
}

TEST(Logic, HasTheTablesOfBoole) {
  const Tensor a = tensor<bool>({4}, {false, false, true, true});
  const Tensor b = tensor<bool>({4}, {false, true, false, true});
  expect_close(logical_and(a, b), {{4}, {0, 0, 0, 1}}, 0);
  expect_close(logical_or(a, b), {{4}, {0, 1, 1, 1}}, 0);
  expect_close(logical_xor(a, b), {{4}, {0, 1, 1, 0}}, 0);
  expect_close(logical_not(a), {{4}, {1, 1, 0, 0}}, 0);
}

TEST(Logic, TakesBoolOnly) {
  EXPECT_EQ(message_of<DtypeError>([] {
              logical_not(doubles({2}, {1, 2}));
            }),
            "logical_not: takes bool, got float64 [2]; compare first, as in not_equal(x, 0)");
}

}  // namespace
}  // namespace rw
