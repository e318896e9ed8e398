// The gradient of gelu where its formula breaks or loses digits: far out, and in the tails.
#include <gtest/gtest.h>

#include "autograd/edges.h"
#include "rewind/tensor/activation.h"

namespace rw::test {
namespace {

TEST(Gelu, HasTheSlopeOfItsLimitsFarOut) {
  for (const bool approximate : {false, true}) {
    const auto f = [&](const Tensor& x) { return gelu(x, {.approximate = approximate}); };
    const Values slopes{0, 0, 0, 1, 1, 1};
    const Tensor far32 = tensor({-kInfinity, -2e38, -2e19, 2e19, 2e38, kInfinity});
    const Tensor far64 = list({-kInfinity, -1e300, -2e19, 2e19, 1e300, kInfinity});
    for (const Tensor& x : {far32, far64}) {
      EXPECT_EQ(gradient(f, x), slopes);
      EXPECT_EQ(second(f, x), (Values{0, 0, 0, 0, 0, 0}));
    }
    EXPECT_TRUE(std::isnan(gradient(f, list({std::nan("")}))[0]));
  }
}

// The definitions in long double, whose tails have digits to spare.
long double gelu_slope(long double x) {
  const long double pi = std::acos(-1.0L);
  return std::erfc(-x / std::sqrt(2.0L)) / 2 + x * std::exp(-x * x / 2) / std::sqrt(2 * pi);
}
long double approximate_gelu_slope(long double x) {
  const long double k = std::sqrt(2 / std::acos(-1.0L)), a = 0.044715L;
  const long double gate = 1 / (1 + std::exp(-2 * k * (x + a * x * x * x)));
  return gate + x * gate * (1 - gate) * 2 * k * (1 + 3 * a * x * x);
}

TEST(Gelu, KeepsTheDigitsOfItsGradientInTheTails) {
  for (const bool approximate : {false, true}) {
    const auto f = [&](const Tensor& x) { return gelu(x, {.approximate = approximate}); };
    const auto slope = approximate ? approximate_gelu_slope : gelu_slope;
    for (const Dtype dtype : {float32, float64}) {
      const Tensor x = arange(-8, 8, 0.2, dtype);
      const Values dx = gradient(f, x), at = values(x);
      for (std::size_t i = 0; i < dx.size(); i++) {
        const auto expected = static_cast<double>(slope(at[i]));
        const double growth = 4 + std::pow(at[i], approximate ? 4 : 2);
        // Around its zero at -0.75 the slope is the difference of terms of about 0.2.
        const double scale = std::abs(at[i]) < 1 ? 1 : std::abs(expected);
        const double error = std::abs(dx[i] - expected);
        const double allowed =
            dtype == float32 ? 0x1.01p-24 * std::abs(expected) : 0x1p-52 * growth * scale;
        EXPECT_LE(error, allowed) << at[i];
      }
    }
  }
}

}  // namespace
}  // namespace rw::test
