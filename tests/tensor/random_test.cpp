// Random tensors: repeatable, and distributed as they say. All statistics are of fixed seeds, with
// five standard errors to spare.
#include "rewind/tensor/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <thread>

#include "rewind/tensor/creation.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/views.h"
#include "support/elements.h"

namespace rw {
namespace {

using Values = std::vector<double>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Moments {
  double mean, variance;
};

Moments moments(const Values& x) {
  const auto n = static_cast<double>(x.size());
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / n;
  double squares = 0;
  for (double v : x) squares += (v - mean) * (v - mean);
  return {mean, squares / n};
}

TEST(Random, AScopeNumbersItsDraws) {
  Values first, second;
  {
    Random scope(7);
    first = elements(uniform({4}));
    second = elements(uniform({4}));
  }
  Random scope(7);
  EXPECT_EQ(elements(uniform({4})), first);
  EXPECT_EQ(elements(uniform({4})), second);
  EXPECT_NE(first, second);
  EXPECT_EQ(Random::state(), Rng(7, 2));
}

TEST(Random, AnInnerScopeLeavesTheOuterAsItWas) {
  Random outer(1);
  {
    Random inner(2);
    (void)uniform({3});
  }
  EXPECT_EQ(Random::state(), Rng(1, 0));
}

TEST(Random, AStateThatIsSetGoesOnFromThere) {
  Random scope(3);
  (void)normal({5});
  const Rng saved = Random::state();
  const Values expected = elements(normal({5}));
  Random::set_state(saved);
  EXPECT_EQ(elements(normal({5})), expected);
}

TEST(Random, EveryThreadBeginsWithItsOwnDefault) {
  Random scope(3);
  Rng seen(9);
  std::thread([&] { seen = Random::state(); }).join();
  EXPECT_EQ(seen, Rng(0));
}

TEST(Random, AGeneratorGivesWhatTheScopeOfItsSeedGives) {
  Random scope(11);
  Rng rng(11);
  EXPECT_EQ(elements(uniform({3})), elements(uniform({3}, {}, rng)));
  EXPECT_EQ(elements(normal({3})), elements(normal({3}, {}, rng)));
  EXPECT_EQ(elements(bernoulli({9})), elements(bernoulli({9}, {}, rng)));
  EXPECT_EQ(elements(permutation(9)), elements(permutation(9, rng)));
  EXPECT_EQ(elements(categorical(zeros({9, 4}))), elements(categorical(zeros({9, 4}), rng)));
  EXPECT_EQ(rng, Random::state());
}

TEST(Random, AnElementDoesNotDependOnTheShape) {
  Rng a(5), b(5);
  Values longer = elements(bernoulli({3000}, {.p = 0.3}, a));
  longer.resize(1500);
  EXPECT_EQ(elements(bernoulli({3, 500}, {.p = 0.3}, b)), longer);
}

TEST(Uniform, HasItsMomentsAndKeepsToItsRange) {
  Rng rng(1);
  const double n = 100000;
  for (Dtype dtype : {float32, float64}) {
    const Values x = elements(uniform({100, 1000}, {.low = -1, .high = 3, .dtype = dtype}, rng));
    const Moments m = moments(x);
    EXPECT_NEAR(m.mean, 1, 5 * std::sqrt(16.0 / 12 / n));
    EXPECT_NEAR(m.variance, 16.0 / 12, 5 * 16 * std::sqrt(1.0 / 180 / n));
    for (double v : x) ASSERT_TRUE(v >= -1 && v < 3);
  }
}

TEST(Uniform, NeverReachesTheUpperEndByRounding) {
  Rng rng(1);
  const double high = 1 + 0x1p-22;  // four floats wide: half of what is drawn would round to it
  for (double v : elements(uniform({1000}, {.low = 1, .high = high}, rng))) {
    ASSERT_TRUE(v >= 1 && v < high);
  }
  EXPECT_EQ(elements(uniform({2}, {.low = 2, .high = 2}, rng)), (Values{2, 2}));
}

TEST(Normal, HasItsMoments) {
  Rng rng(2);
  const double n = 100000;
  for (Dtype dtype : {float32, float64}) {
    const Values x =
        elements(normal({100, 1000}, {.mean = 3, .deviation = 2, .dtype = dtype}, rng));
    const Moments m = moments(x);
    EXPECT_NEAR(m.mean, 3, 5 * 2 / std::sqrt(n));
    EXPECT_NEAR(m.variance, 4, 5 * 4 * std::sqrt(2 / n));
    double outside = 0;
    for (double v : x) outside += std::abs(v - 3) > 4;
    EXPECT_NEAR(outside / n, 0.0455, 5 * std::sqrt(0.0455 / n));
  }
}

TEST(Bernoulli, HasItsFrequency) {
  Rng rng(3);
  const double n = 100000;
  for (Dtype dtype : {float32, float64, int64, boolean}) {
    const Tensor x = bernoulli({100000}, {.p = 0.2, .dtype = dtype}, rng);
    EXPECT_EQ(x.dtype(), dtype);
    EXPECT_NEAR(moments(elements(x)).mean, 0.2, 5 * std::sqrt(0.16 / n));
  }
  EXPECT_EQ(elements(bernoulli({100}, {.p = 0}, rng)), Values(100, 0));
  EXPECT_EQ(elements(bernoulli({100}, {.p = 1}, rng)), Values(100, 1));
}

TEST(Bernoulli, IsWhetherTheUniformNumberIsBelowP) {
  for (const double p : {0.3, 0.25, std::nextafter(0.25, 1), 1e-9, 1 - 1e-9}) {
    Rng rng(5), same = rng;
    const Values u = elements(uniform({20000}, {}, rng));
    const Values below = elements(bernoulli({20000}, {.p = p, .dtype = boolean}, same));
    for (std::size_t i = 0; i < u.size(); i++) ASSERT_EQ(below[i], u[i] < p) << u[i] << " " << p;
  }
}

TEST(Random, NumbersDoNotDependOnTheThreads) {
  const auto drawn = [](int count) {
    const Threads threads(count);
    Rng rng(6);
    std::vector<Values> all;
    for (const Dtype dtype : {float32, float64}) {
      all.push_back(elements(uniform({100001}, {.low = -1, .dtype = dtype}, rng)));
      all.push_back(elements(normal({100001}, {.mean = 2, .dtype = dtype}, rng)));
      all.push_back(elements(bernoulli({100001}, {.p = 0.3, .dtype = dtype}, rng)));
    }
    return all;
  };
  EXPECT_EQ(drawn(3), drawn(1));
}

TEST(Permutation, HasEveryNumberOnce) {
  Rng rng(4);
  for (Index n : {0, 1, 2, 1000}) {
    Values x = elements(permutation(n, rng));
    std::sort(x.begin(), x.end());
    EXPECT_EQ(x, elements(arange(n)));
  }
}

TEST(Permutation, EveryOrderIsEquallyLikely) {
  Rng rng(5);
  std::vector<double> seen(27, 0);
  for (int i = 0; i < 6000; i++) {
    const Values x = elements(permutation(3, rng));
    seen[static_cast<std::size_t>(9 * x[0] + 3 * x[1] + x[2])]++;
  }
  for (std::size_t order : {5u, 7u, 11u, 15u, 19u, 21u}) {
    EXPECT_NEAR(seen[order], 1000, 5 * std::sqrt(1000 * 5.0 / 6)) << order;
  }
}

TEST(Categorical, HasTheFrequenciesOfTheSoftmax) {
  Rng rng(6);
  const double n = 100000;
  for (Dtype dtype : {float32, float64}) {
    const Tensor row = tensor({-2.302585, -0.5108256, -kInfinity, -1.203973}, dtype) + 1000;
    const Tensor x = categorical(expand(row, {100, 1000, 4}), rng);
    EXPECT_EQ(x.spec(), (Spec{{100, 1000}, int64}));
    Values count(4, 0);
    for (double v : elements(x)) count[static_cast<std::size_t>(v)]++;
    const double p[] = {0.1, 0.6, 0, 0.3};
    for (std::size_t i = 0; i < 4; i++) {
      // float32 holds 1000 + x to 3e-5.
      EXPECT_NEAR(count[i] / n, p[i], 5 * std::sqrt(p[i] * (1 - p[i]) / n) + 3e-5 * p[i]);
    }
  }
}

TEST(Categorical, ReadsStridedRowsAndTakesNone) {
  const double sure = 1000;
  const Tensor logits = transpose(tensor({{0.0, sure}, {sure, 0.0}, {0.0, 0.0}}));
  Rng rng(7);
  EXPECT_EQ(elements(categorical(logits, rng)), (Values{1, 0}));
  EXPECT_EQ(categorical(zeros({0, 3}), rng).shape(), (Dims{0}));
  EXPECT_EQ(categorical(zeros({1}), rng).item(), 0);
}

TEST(Random, Refuses) {
  Rng rng(8);
  EXPECT_ERROR(uniform({2}, {.low = 1, .high = 0}, rng), ValueError,
               "uniform: from 1 to 0 is not a range of finite length in float32");
  EXPECT_THROW(uniform({2}, {.low = -1e308, .high = 1e308}, rng), ValueError);
  EXPECT_ERROR(uniform({2}, {.low = -3e38, .high = 3e38}, rng), ValueError,
               "uniform: from -3e+38 to 3e+38 is not a range of finite length in float32");
  EXPECT_THROW(uniform({2}, {.low = 1e39, .high = 1e39}, rng), ValueError);
  EXPECT_THROW(normal({2}, {.mean = 1e39}, rng), ValueError);
  EXPECT_THROW(normal({2}, {.deviation = 1e39}, rng), ValueError);
  EXPECT_EQ(uniform({2}, {.low = 1e39, .high = 1e39, .dtype = float64}, rng)[0].item(), 1e39);
  EXPECT_ERROR(uniform({2}, {.dtype = int64}, rng), DtypeError,
               "uniform: takes float32 or float64, got int64 [2]; convert with to(x, float32)");
  EXPECT_ERROR(
      normal({2}, {.deviation = -1}, rng), ValueError,
      "normal: mean 0 and deviation -1; both are finite in float32, the deviation is not negative");
  EXPECT_THROW(normal({2}, {.mean = kInfinity}, rng), ValueError);
  EXPECT_ERROR(bernoulli({2}, {.p = 1.5}, rng), ValueError,
               "bernoulli: p = 1.5 is not a probability");
  EXPECT_THROW(bernoulli({2}, {.p = std::nan("")}, rng), ValueError);
  EXPECT_ERROR(permutation(-1, rng), ValueError,
               "permutation: of -1 numbers; a count is zero or more");
  EXPECT_ERROR(categorical(zeros({2, 0}), rng), ShapeError,
               "categorical: float32 [2, 0] has no classes along its last axis");
  EXPECT_ERROR(categorical(full({2, 2}, -kInfinity), rng), ValueError,
               "categorical: every logit of row 0 is -inf");
  EXPECT_ERROR(categorical(tensor({{0.0, 0.0}, {0.0, std::nan("")}}), rng), ValueError,
               "categorical: logit nan of class 1 in row 1; logits are finite or -inf");
  EXPECT_THROW(categorical(full({1}, kInfinity), rng), ValueError);
}

}  // namespace
}  // namespace rw
