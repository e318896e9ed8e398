// where, masked_fill, clamp.
#include "rewind/tensor/select.h"

#include "rewind/tensor/comparison.h"
#include "support/message_of.h"
#include "support/reference.h"

namespace rw {
namespace {

using namespace reference;

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(Where, EqualsItsNaiveTwinWithBroadcasting) {
  const Dims triples[][3] = {
      {{2, 3}, {2, 3}, {2, 3}}, {{3}, {2, 1}, {}},     {{2, 1}, {3}, {2, 3}},
      {{}, {4}, {4}},           {{0}, {1}, {0}},       {{5, 1, 2}, {3, 1}, {2}},
      {{130}, {130}, {}},       {{3, 0}, {1, 1}, {1}}, {{}, {}, {}}};
  for (const auto& [c, a, b] : triples) {
    const Dims shape = broadcast("", c, broadcast("", a, b));
    for (Dtype dtype : {float32, float64, int64, boolean}) {
      for (const Tensor& condition : layouts({c, boolean}, 3)) {
        for (const Tensor& p : layouts({a, dtype}, 4)) {
          for (const Tensor& q : layouts({b, dtype}, 5)) {
            const auto naive = [](double s, double u, double v) { return s != 0 ? u : v; };
            expect_close(where(condition, p, q), zip(naive, shape, condition, p, q), 0);
          }
        }
      }
    }
  }
}

TEST(Where, WhatIsNotChosenChangesNothing) {
  const Tensor x = doubles({2}, {1, NAN});
  expect_close(where(x > 0, x, 7), {{2}, {1, 7}}, 0);
  expect_close(where(x > 0, 7, x), {{2}, {7, NAN}}, 0);
}

TEST(Where, MayWriteOverATemporary) {
  const Tensor condition = tensor<bool>({3}, {true, false, true});
  expect_close(where(condition, doubles({3}, {1, 2, 3}), doubles({3}, {4, 5, 6})), {{3}, {1, 5, 3}},
               0);
  expect_close(where(condition, doubles({1}, {1}), doubles({3}, {4, 5, 6})), {{3}, {1, 5, 1}}, 0);
}

TEST(Where, NamesWhatDoesNotFit) {
  const Tensor x = doubles({2}, {1, 2}), mask = tensor<bool>({2}, {true, false});
  EXPECT_EQ(message_of<DtypeError>([&] { where(x, x, x); }),
            "where: takes bool, got float64 [2]; compare first, as in not_equal(x, 0)");
  EXPECT_EQ(message_of<DtypeError>([&] {
              where(mask, x, tensor<float>({2}, {1, 2}));
            }),
            "where: dtypes differ, float64 [2] and float32 [2]; convert one with to(x, dtype)");
  EXPECT_EQ(message_of<ShapeError>([&] {
              where(mask, doubles({3}, {1, 2, 3}), 0);
            }),
            "where: shapes [2] and [3] do not broadcast; sizes 2 and 3 are neither equal nor 1");
}

TEST(MaskedFill, FillsWhereTheMaskHolds) {
  for (Dtype dtype : {float32, float64, int64}) {
    for (const Tensor& x : layouts({{4, 3}, dtype})) {
      for (const Tensor& mask : layouts({{4, 1}, boolean})) {
        const auto naive = [](double v, double m) { return m != 0 ? 9 : v; };
        expect_close(masked_fill(x, mask, 9), zip(naive, x.shape(), x, mask), 0);
      }
    }
  }
  EXPECT_EQ(masked_fill(doubles({}, {1}), tensor<bool>({}, {true}), -kInf).item(), -kInf);
}

TEST(MaskedFill, NamesWhatDoesNotFit) {
  const Tensor mask = tensor<bool>({1}, {true});
  EXPECT_EQ(
      message_of<DtypeError>([&] { masked_fill(tensor<Index>({1}, {1}), mask, 0.5); }),
      "masked_fill: 0.5 is not a whole number, as the elements of int64 [1] are; take a floating "
      "dtype, as in to(x, float32)");
  EXPECT_EQ(message_of<DtypeError>([&] { masked_fill(doubles({1}, {1}), doubles({1}, {1}), 0); }),
            "masked_fill: takes bool, got float64 [1]; compare first, as in not_equal(x, 0)");
}

TEST(Clamp, EqualsItsNaiveTwinInEveryLayout) {
  for (Dtype dtype : {float32, float64, int64}) {
    for (const Dims& shape : shapes()) {
      for (const Tensor& x : layouts({shape, dtype})) {
        expect_close(clamp(x, {.min = -1, .max = 2}),
                     map([](double v) { return std::min(std::max(v, -1.0), 2.0); }, x), 0);
        expect_close(clamp(x, {.max = 0}), map([](double v) { return std::min(v, 0.0); }, x), 0);
        expect_close(clamp(x, {.min = 1}), map([](double v) { return std::max(v, 1.0); }, x), 0);
      }
    }
  }
}

TEST(Clamp, KeepsNan) {
  expect_close(clamp(doubles({3}, {NAN, kInf, -kInf}), {.min = -1, .max = 1}), {{3}, {NAN, 1, -1}},
               0);
}

TEST(Clamp, RefusesBoundsThatMakeNoSense) {
  const Tensor x = doubles({1}, {0});
  EXPECT_EQ(message_of<ValueError>([&] { clamp(x, {.min = 2, .max = 1}); }),
            "clamp: no number lies between min = 2 and max = 1");
  EXPECT_EQ(message_of<ValueError>([&] { clamp(x, {.min = NAN}); }),
            "clamp: no number lies between min = nan and max = inf");
  EXPECT_EQ(message_of<DtypeError>([&] { clamp(tensor<Index>({1}, {0}), {.min = 0.5}); }),
            "clamp: 0.5 is not a whole number, as the elements of int64 [1] are; take a floating "
            "dtype, as in to(x, float32)");
  EXPECT_EQ(message_of<DtypeError>([&] { clamp(tensor<bool>({1}, {true}), {.min = -3}); }),
            "clamp: takes numbers, got bool [1]; convert with to(x, int64)");
}

TEST(Clamp, WithoutBoundsKeepsEveryInteger) {
  using Limits = std::numeric_limits<Index>;
  const Tensor y = clamp(tensor<Index>({2}, {Limits::min(), Limits::max()}), {});
  EXPECT_EQ(y.span<Index>()[0], Limits::min());
  EXPECT_EQ(y.span<Index>()[1], Limits::max());
}

}  // namespace
}  // namespace rw
