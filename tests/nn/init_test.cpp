// First values of weights: their spread, orthogonality, blocks.
#include "rewind/nn/init.h"

#include <cmath>

#include "rewind/tensor/creation.h"
#include "support/elements.h"

namespace rw {
namespace {

struct Moments {
  double mean = 0, variance = 0, largest = 0;
};

Moments moments(const Parameter& p) {
  const std::vector<double> numbers = elements(p.value());
  Moments m;
  const auto n = static_cast<double>(numbers.size());
  for (double v : numbers) m.mean += v / n;
  for (double v : numbers) m.variance += (v - m.mean) * (v - m.mean) / n;
  for (double v : numbers) m.largest = std::max(m.largest, std::abs(v));
  return m;
}

Parameter weight(const Dims& shape, Dtype dtype = float64) {
  return Parameter(zeros(shape, dtype));
}

// The largest distance of V V^T from the identity, for `count` vectors of `size` numbers.
double distance_from_orthonormal(const std::vector<double>& v, std::size_t count, std::size_t size,
                                 std::size_t vector_step, std::size_t step) {
  double worst = 0;
  for (std::size_t a = 0; a < count; a++) {
    for (std::size_t b = 0; b < count; b++) {
      double dot = 0;
      for (std::size_t k = 0; k < size; k++) {
        dot += v[a * vector_step + k * step] * v[b * vector_step + k * step];
      }
      worst = std::max(worst, std::abs(dot - (a == b ? 1 : 0)));
    }
  }
  return worst;
}

TEST(Init, HasTheVariancesOfThePapers) {
  Rng rng(1);
  Parameter w = weight({100, 300});
  nn::init::xavier_uniform(w, rng);
  EXPECT_NEAR(moments(w).variance, 2.0 / 400, 1e-4);
  EXPECT_NEAR(moments(w).largest, std::sqrt(6.0 / 400), 1e-4);
  nn::init::xavier_normal(w, rng, {.gain = 2});
  EXPECT_NEAR(moments(w).variance, 4 * 2.0 / 400, 5e-4);
  EXPECT_GT(moments(w).largest, 3 * std::sqrt(8.0 / 400));
  nn::init::kaiming_uniform(w, rng);
  EXPECT_NEAR(moments(w).variance, 2.0 / 300, 1e-4);
  nn::init::kaiming_normal(w, rng, {.gain = 1});
  EXPECT_NEAR(moments(w).variance, 1.0 / 300, 1e-4);
  nn::init::uniform(w, rng, {.low = 1, .high = 3});
  EXPECT_NEAR(moments(w).mean, 2, 0.02);
  EXPECT_NEAR(moments(w).largest, 3, 1e-3);
  nn::init::normal(w, rng, {.mean = -1, .deviation = 0.1});
  EXPECT_NEAR(moments(w).mean, -1, 0.01);
  EXPECT_NEAR(moments(w).variance, 0.01, 1e-3);
}

TEST(Init, CountsAllAxesBehindTheFirstTwoAsField) {
  Rng rng(1);
  Parameter w = weight({50, 20, 5});
  nn::init::kaiming_normal(w, rng, {.gain = 1});
  EXPECT_NEAR(moments(w).variance, 0.01, 1e-3);
  nn::init::xavier_normal(w, rng);
  EXPECT_NEAR(moments(w).variance, 2.0 / 350, 6e-4);
}

TEST(Init, TreatsBlocksAsMatricesOfTheirOwn) {
  Rng rng(1);
  Parameter w = weight({400, 100});
  nn::init::xavier_normal(w, rng, {.blocks = 4});
  EXPECT_NEAR(moments(w).variance, 2.0 / 200, 1e-3);
  nn::init::orthogonal(w, rng, {.blocks = 4});
  const std::vector<double> numbers = elements(w.value());
  for (std::size_t block = 0; block < 4; block++) {
    const auto begin = numbers.begin() + static_cast<std::ptrdiff_t>(block * 10000);
    EXPECT_LT(distance_from_orthonormal({begin, begin + 10000}, 100, 100, 100, 1), 1e-12);
  }
}

TEST(Init, OrthogonalHasOrthonormalRowsOrColumns) {
  Rng rng(1);
  Parameter wide = weight({20, 50}), tall = weight({50, 20}), single = weight({64, 64}, float32);
  nn::init::orthogonal(wide, rng);
  EXPECT_LT(distance_from_orthonormal(elements(wide.value()), 20, 50, 50, 1), 1e-12);
  nn::init::orthogonal(tall, rng);
  EXPECT_LT(distance_from_orthonormal(elements(tall.value()), 20, 50, 1, 20), 1e-12);
  nn::init::orthogonal(single, rng);
  EXPECT_LT(distance_from_orthonormal(elements(single.value()), 64, 64, 64, 1), 1e-6);
  EXPECT_EQ(single.spec().dtype, float32);
  nn::init::orthogonal(tall, rng, {.gain = 3});
  EXPECT_NEAR(moments(tall).variance, 9.0 / 50, 0.01);
}

TEST(Init, SetsTheForgetGatesAndNothingElse) {
  Parameter bias(full({8}, 0.5, float32));
  nn::init::forget_bias(bias, 1);
  EXPECT_EQ(elements(bias.value()), (std::vector<double>{0.5, 0.5, 1, 1, 0.5, 0.5, 0.5, 0.5}));
  nn::init::forget_bias(bias, 2, {.block = 0, .blocks = 8});
  EXPECT_EQ(elements(bias.value())[0], 2);
  nn::init::constant(bias, 7);
  EXPECT_EQ(elements(bias.value()), std::vector<double>(8, 7));
}

TEST(Init, RefusesShapesWithoutFans) {
  Rng rng(1);
  Parameter bias = weight({6}), w = weight({6, 2});
  EXPECT_ERROR(nn::init::xavier_uniform(bias, rng), ShapeError,
               "xavier_uniform: a weight [out, in, ...] has two axes or more, got float64 [6]");
  EXPECT_ERROR(nn::init::orthogonal(w, rng, {.blocks = 4}), ShapeError,
               "orthogonal: the 6 rows of float64 [6, 2] cannot be divided into 4 blocks");
  EXPECT_ERROR(nn::init::forget_bias(bias, 1), ShapeError,
               "forget_bias: a bias float64 [6] cannot be divided into 4 blocks");
  EXPECT_ERROR(nn::init::forget_bias(bias, 1, {.block = 3, .blocks = 3}), IndexError,
               "forget_bias: block 3 of 3; they count from 0");
}

}  // namespace
}  // namespace rw
