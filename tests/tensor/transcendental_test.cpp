// exp, log, tanh and sigmoid on every instruction set that runs here: accuracy on a sample, special
// values, independence of position, and no floating-point exceptions.
#include "rewind/tensor/kernels/transcendental.h"

#include <gtest/gtest.h>

#include <cfenv>
#include <random>

#include "tensor/targets.h"
#include "tensor/transcendental_reference.h"

namespace rw::kernels {
namespace {

template <class T>
std::vector<T> apply(const Transcendental<T>& f, const std::vector<T>& x) {
  std::vector<T> y(x.size());
  f.vector(x.data(), y.data(), std::ssize(x));
  return y;
}

// A hundred numbers to either side of every place where an implementation changes its ways.
template <class T>
std::vector<T> critical_arguments() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> x;
  for (const double centre : {0.0,
                              static_cast<double>(Limits::denorm_min()),
                              static_cast<double>(Limits::min()),
                              1e-8,
                              1e-4,
                              0.17328,
                              0.34657,
                              0.5,
                              0.70710678,
                              1.0,
                              1.41421356,
                              2.0,
                              9.0109,
                              10.0,
                              17.3,
                              19.06,
                              20.0,
                              37.4,
                              87.3365,
                              88.02969,
                              88.72284,
                              103.28,
                              103.972,
                              104.0,
                              708.396,
                              709.09,
                              709.7827,
                              744.44,
                              745.13,
                              746.0,
                              1e4,
                              1e30,
                              static_cast<double>(Limits::max())}) {
    const T infinity = Limits::infinity();
    T below = static_cast<T>(centre), above = below;
    for (int k = 0; k < 100; ++k) {
      for (const T v : {below, above}) x.insert(x.end(), {v, -v});
      below = std::nextafter(below, -infinity);
      if (above < Limits::max()) above = std::nextafter(above, infinity);
    }
  }
  return x;
}

std::vector<float> sample(float) {
  std::vector<float> x = critical_arguments<float>();
  for (std::uint64_t bits = 0; bits < (1ULL << 32); bits += 4001) {
    x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  }
  return x;
}

std::vector<double> sample(double) {
  std::vector<double> x = critical_arguments<double>();
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> unit(-1, 1);
  for (int k = 0; k < 50'000; ++k) {
    x.push_back(std::bit_cast<double>(random()));
    for (const double range : {1e-3, 0.5, 3.0, 25.0, 750.0}) x.push_back(range * unit(random));
    x.push_back(1 + 0.5 * unit(random));
  }
  return x;
}

template <class T>
struct Transcendentals : testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(Transcendentals, Floats);

TYPED_TEST(Transcendentals, StayWithinTheirErrorOnEveryTarget) {
  const std::vector<TypeParam> x = sample(TypeParam{});
  for (const Transcendental<TypeParam>& f : kTranscendentals<TypeParam>) {
    std::vector<Wider<TypeParam>> exact(x.size());
    std::transform(x.begin(), x.end(), exact.begin(), f.reference);
    const Targets targets;
    for (const std::int64_t target : targets.all()) {
      Targets::choose(target);
      ASSERT_EQ(simd_target(), hwy::TargetName(target));
      const std::vector<TypeParam> y = apply(f, x);
      double worst = 0;
      std::size_t where = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double error = ulp_error(y[i], exact[i]);
        if (error > worst) worst = error, where = i;
      }
      EXPECT_LE(worst, f.worst) << f.name << " on " << simd_target() << " at " << x[where] << ": "
                                << y[where];
    }
  }
}

TYPED_TEST(Transcendentals, KeepNanInfinitiesAndZeros) {
  using Limits = std::numeric_limits<TypeParam>;
  constexpr TypeParam kInf = Limits::infinity(), kNan = Limits::quiet_NaN();
  const std::vector<TypeParam> x = {kNan, -kNan, kInf, -kInf, 0, TypeParam{-0.0}};
  const std::vector<std::vector<TypeParam>> expected = {
      {kNan, kNan, kInf, 0, 1, 1},
      {kNan, kNan, kInf, kNan, -kInf, -kInf},
      {kNan, kNan, 1, -1, 0, TypeParam{-0.0}},
      {kNan, kNan, 1, 0, TypeParam{0.5}, TypeParam{0.5}},
  };
  const Targets targets;
  for (const std::int64_t target : targets.all()) {
    Targets::choose(target);
    for (std::size_t f = 0; f < expected.size(); ++f) {
      const auto y = apply(kTranscendentals<TypeParam>[f], x);
      for (std::size_t i = 0; i < x.size(); ++i) {
        EXPECT_EQ(std::isnan(y[i]), std::isnan(expected[f][i])) << f << " " << x[i];
        if (std::isnan(y[i])) continue;
        EXPECT_EQ(y[i], expected[f][i]) << f << " " << x[i];
        EXPECT_EQ(std::signbit(y[i]), std::signbit(expected[f][i])) << f << " " << x[i];
      }
    }
  }
}

TYPED_TEST(Transcendentals, SaturateExactly) {
  const std::vector<TypeParam> x = {25, -25, 1000, -1000, std::numeric_limits<TypeParam>::max()};
  const auto& [exp, log, tanh, sigmoid] = kTranscendentals<TypeParam>;
  EXPECT_EQ(apply(tanh, x), (std::vector<TypeParam>{1, -1, 1, -1, 1}));
  const auto s = apply(sigmoid, x), e = apply(exp, x);
  EXPECT_EQ((std::vector{s[2], s[3], s[4]}), (std::vector<TypeParam>{1, 0, 1}));
  const TypeParam infinity = std::numeric_limits<TypeParam>::infinity();
  EXPECT_EQ((std::vector{e[2], e[3], e[4]}), (std::vector<TypeParam>{infinity, 0, infinity}));
}

TYPED_TEST(Transcendentals, GiveTheSameBitsAtAnyPositionLengthAndAlignment) {
  std::vector<TypeParam> x;
  for (int k = 0; k < 75; ++k) x.push_back(static_cast<TypeParam>(std::sin(k) * (k % 7)));
  const Targets targets;
  for (const std::int64_t target : targets.all()) {
    Targets::choose(target);
    for (const Transcendental<TypeParam>& f : kTranscendentals<TypeParam>) {
      std::vector<TypeParam> alone(x.size());
      for (std::size_t i = 0; i < x.size(); ++i) f.vector(&x[i], &alone[i], 1);
      for (std::size_t first = 0; first < 5; ++first) {
        for (std::size_t last = first; last <= x.size(); ++last) {
          std::vector<TypeParam> inplace = x, wanted = x;
          std::copy(alone.begin() + static_cast<Index>(first),
                    alone.begin() + static_cast<Index>(last),
                    wanted.begin() + static_cast<Index>(first));
          f.vector(&inplace[first], &inplace[first], static_cast<Index>(last - first));
          const auto same = [](TypeParam a, TypeParam b) { return a == b || (a != a && b != b); };
          ASSERT_TRUE(std::equal(inplace.begin(), inplace.end(), wanted.begin(), same))
              << f.name << " of [" << first << ", " << last << ") on " << simd_target();
        }
      }
    }
  }
}

// An exception flag that stays down is a trap that cannot happen, whatever the caller has unmasked.
TYPED_TEST(Transcendentals, RaiseNoFloatingPointExceptionForFiniteArguments) {
  std::vector<TypeParam> x = sample(TypeParam{});
  std::erase_if(x, [](TypeParam v) { return !std::isfinite(v); });
  const Targets targets;
  for (const std::int64_t target : targets.all()) {
    Targets::choose(target);
    for (const Transcendental<TypeParam>& f : kTranscendentals<TypeParam>) {
      std::vector<TypeParam> y(x.size());
      std::feclearexcept(FE_ALL_EXCEPT);
      f.vector(x.data(), y.data(), std::ssize(x));
      EXPECT_EQ(std::fetestexcept(FE_INVALID | FE_OVERFLOW | FE_DIVBYZERO), 0)
          << f.name << " on " << simd_target();
    }
  }
}

}  // namespace
}  // namespace rw::kernels
