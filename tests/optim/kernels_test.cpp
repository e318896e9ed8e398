// The vector code of optimizers and clipping on every instruction set that runs here, beside the
// formulas in plain numbers.
#include <cmath>
#include <limits>
#include <vector>

#include "rewind/optim/kernels/passes.h"
#include "rewind/optim/kernels/rules.h"
#include "rewind/optim/norm.h"
#include "tensor/every_target.h"

namespace rw::optim::kernels {
namespace {

using rw::kernels::for_every_target;

template <class T>
std::vector<T> wave(std::size_t count, double step, double shift = 0) {
  std::vector<T> all(count);
  for (std::size_t i = 0; i < count; i++) {
    all[i] = static_cast<T>(std::sin(step * static_cast<double>(i)) + shift);
  }
  return all;
}

// A parameter with moments that an optimizer could have left.
template <class T>
struct Case {
  explicit Case(std::size_t count)
      : gradient(wave<T>(count, 0.7)),
        value(wave<T>(count, 1.1)),
        moments{wave<T>(count, 0.3, 1.5), wave<T>(count, 0.4, 1.5), wave<T>(count, 0.2)} {}

  Elements<T> elements() {
    return {value.data(),
            {moments[0].data(), moments[1].data(), moments[2].data()},
            gradient.data(),
            std::ssize(value)};
  }

  std::vector<T> gradient, value;
  std::array<std::vector<T>, kMaxMoments> moments;
};

template <class T>
Common<T> common() {
  Update<T> u;
  u.learning_rate = 0.1;
  u.factor = static_cast<T>(0.7);
  u.l2 = static_cast<T>(0.03);
  u.keep = static_cast<T>(0.98);
  return Common<T>(u);
}

// What a rule changes, beside `plain(g, value, moments)` for each element in double.
template <class T, class Rule, class F>
void expect_formula(const Rule& rule, F plain) {
  for_every_target([&] {
    for (const std::size_t count : {0u, 1u, 7u, 8u, 35u}) {
      Case<T> seen(count);
      const Case<T> before = seen;
      update(rule, seen.elements());
      for (std::size_t i = 0; i < count; i++) {
        double value = static_cast<double>(before.value[i]);
        double m[kMaxMoments];
        for (std::size_t k = 0; k < kMaxMoments; k++) {
          m[k] = static_cast<double>(before.moments[k][i]);
        }
        const double g = 0.7 * static_cast<double>(before.gradient[i]) + 0.03 * value;
        value = 0.98 * value - 0.1 * plain(g, m);
        const auto error = [](double expected) {
          return 16 * static_cast<double>(std::numeric_limits<T>::epsilon()) *
                 (1 + std::abs(expected));
        };
        ASSERT_NEAR(seen.value[i], value, error(value));
        for (std::size_t k = 0; k < kMaxMoments; k++) {
          ASSERT_NEAR(seen.moments[k][i], m[k], error(m[k])) << "moment " << k;
        }
      }
    }
  });
}

template <class T>
class RuleKernels : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(RuleKernels, Floats);

TYPED_TEST(RuleKernels, SgdIsItsFormula) {
  using T = TypeParam;
  const T momentum = static_cast<T>(0.9);
  expect_formula<T>(SgdRule<T>{common<T>(), 0, false}, [](double g, double*) { return g; });
  expect_formula<T>(SgdRule<T>{common<T>(), momentum, false},
                    [](double g, double* m) { return m[0] = 0.9 * m[0] + g; });
  expect_formula<T>(SgdRule<T>{common<T>(), momentum, true}, [](double g, double* m) {
    m[0] = 0.9 * m[0] + g;
    return g + 0.9 * m[0];
  });
}

TYPED_TEST(RuleKernels, RmspropIsItsFormula) {
  using T = TypeParam;
  for (const bool centered : {false, true}) {
    for (const double momentum : {0.0, 0.9}) {
      const RmspropRule<T> rule{.common = common<T>(),
                                .alpha = static_cast<T>(0.75),
                                .rest = static_cast<T>(0.25),
                                .epsilon = static_cast<T>(0.01),
                                .momentum = static_cast<T>(momentum),
                                .centered = centered};
      // The second moment is about as large as the square of the first: below it, too.
      expect_formula<T>(rule, [=](double g, double* m) {
        m[0] = 0.75 * m[0] + 0.25 * g * g;
        if (centered) m[1] = 0.75 * m[1] + 0.25 * g;
        const double variance = std::max(centered ? m[0] - m[1] * m[1] : m[0], 0.0);
        double change = g / (std::sqrt(variance) + 0.01);
        if (momentum != 0) change = m[1 + centered] = 0.9 * m[1 + centered] + change;
        return change;
      });
    }
  }
}

TYPED_TEST(RuleKernels, AdamIsItsFormula) {
  using T = TypeParam;
  const AdamRule<T> rule{.common = common<T>(),
                         .beta1 = static_cast<T>(0.9),
                         .rest1 = static_cast<T>(0.1),
                         .beta2 = static_cast<T>(0.75),
                         .rest2 = static_cast<T>(0.25),
                         .root = static_cast<T>(1.5),
                         .epsilon = static_cast<T>(0.01)};
  expect_formula<T>(rule, [](double g, double* m) {
    m[0] = 0.9 * m[0] + 0.1 * g;
    m[1] = 0.75 * m[1] + 0.25 * g * g;
    return m[0] / (1.5 * std::sqrt(m[1]) + 0.01);
  });
}

TYPED_TEST(RuleKernels, AnElementHasTheSameBitsAloneAndAmongOthers) {
  using T = TypeParam;
  const RmspropRule<T> rule{.common = common<T>(),
                            .alpha = static_cast<T>(0.75),
                            .rest = static_cast<T>(0.25),
                            .epsilon = static_cast<T>(0.01),
                            .momentum = static_cast<T>(0.9),
                            .centered = true};
  for_every_target([&] {
    Case<T> together(37), alone = together;
    update(rule, together.elements());
    for (Index i = 0; i < 37; i++) {
      const Elements<T> e = alone.elements();
      update(
          rule,
          {e.value + i, {e.moments[0] + i, e.moments[1] + i, e.moments[2] + i}, e.gradient + i, 1});
    }
    EXPECT_EQ(together.value, alone.value);
    EXPECT_EQ(together.moments, alone.moments);
  });
}

TYPED_TEST(RuleKernels, SumsOfSquaresHaveTheSameBitsOnEveryTarget) {
  using T = TypeParam;
  for (const std::size_t count : {0u, 1u, 15u, 16u, 17u, 1000u}) {
    const std::vector<T> x = wave<T>(count, 0.7);
    double lanes[16] = {}, expected = 0;
    for (std::size_t i = 0; i < count; i++) {
      const double v = 0.3 * static_cast<double>(x[i]);
      lanes[i % 16] += v * v;
    }
    for (const double lane : lanes) expected += lane;
    for_every_target([&] { EXPECT_EQ(sum_of_squares(x.data(), std::ssize(x), 0.3), expected); });
  }
}

TYPED_TEST(RuleKernels, ScalesWithOneRounding) {
  using T = TypeParam;
  for_every_target([] {
    for (const std::size_t count : {0u, 1u, 5u, 16u, 33u}) {
      const std::vector<T> x = wave<T>(count, 0.7);
      std::vector<T> y = x;
      scale(y.data(), std::ssize(y), 1e-41);
      for (std::size_t i = 0; i < count; i++) {
        ASSERT_EQ(y[i], static_cast<T>(static_cast<double>(x[i]) * 1e-41));
      }
    }
  });
}

TYPED_TEST(RuleKernels, FindsWhatIsNotFiniteAnywhere) {
  using T = TypeParam;
  using Limits = std::numeric_limits<T>;
  for_every_target([] {
    std::vector<T> x(37, Limits::max());
    EXPECT_TRUE(all_finite(x.data(), std::ssize(x)));
    EXPECT_TRUE(all_finite(x.data(), 0));
    for (const T bad : {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN()}) {
      for (T& place : x) {
        place = bad;
        ASSERT_FALSE(all_finite(x.data(), std::ssize(x)));
        place = -Limits::max();
      }
    }
  });
}

TYPED_TEST(RuleKernels, TheNormDoesNotDependOnTheThreads) {
  using T = TypeParam;
  const std::vector<T> x = wave<T>(200001, 0.7);
  const auto norm_on = [&](int count) {
    const Threads threads(count);
    return norm(std::span<const T>(x));
  };
  EXPECT_EQ(norm_on(3), norm_on(1));
  double squares = 0;
  for (const T v : x) squares += static_cast<double>(v) * static_cast<double>(v);
  EXPECT_NEAR(norm_on(1), std::sqrt(squares), 1e-12 * std::sqrt(squares));
}

}  // namespace
}  // namespace rw::optim::kernels
