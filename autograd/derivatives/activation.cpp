// tanh and sigmoid stand in every gate of every step, so their rules have a twin in one pass, for
// rewinds that nobody records.
#include "rewind/tensor/activation.h"

#include <cmath>
#include <numbers>

#include "rewind/autograd/derivatives.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/map.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/unary.h"

namespace rw {
namespace {

struct TanhBackward {
  static constexpr std::string_view name = "tanh_backward";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& dy, const Spec&) const { return dy; }
  void run(const Tensor& dy, const Tensor& y, Tensor& dx) const {
    zip(dy, y, dx, [](auto d, auto v) { return d * (1 - v * v); });
  }
};

struct SigmoidBackward {
  static constexpr std::string_view name = "sigmoid_backward";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& dy, const Spec&) const { return dy; }
  void run(const Tensor& dy, const Tensor& y, Tensor& dx) const {
    zip(dy, y, dx, [](auto d, auto v) { return d * (v * (1 - v)); });
  }
};

constexpr double kPeak = std::numbers::inv_sqrtpi / std::numbers::sqrt2;

// The probability that a standard normal variable is below x.
struct NormalCdf {
  static constexpr std::string_view name = "normal_cdf";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    map(x, y, [](auto v) { return std::erfc(-v * (std::numbers::sqrt2 / 2)) / 2; });
  }
  static void derivative(Rules<NormalCdf> d) {
    d([](const Tensor& dy, Input<0> x) { return dy * (kPeak * exp(-0.5 * square(x))); });
  }
};

Tensor exact_gelu_slope(const Tensor& x) {
  return apply(NormalCdf{}, x) + x * (kPeak * exp(-0.5 * square(x)));
}

// Of x s(2 u) with u = k (x + a x^3), where s(2 u) = (1 + tanh u) / 2 without the cancellation.
Tensor approximate_gelu_slope(const Tensor& x) {
  constexpr double k = Gelu::kSqrtTwoOverPi, a = Gelu::kCubic;
  const Tensor xx = square(x);
  const Tensor gate = sigmoid(2 * k * (x * (1 + a * xx)));
  return gate + x * (gate * (1 - gate)) * (2 * k * (1 + 3 * a * xx));
}

// In double, as the kernel: squares in float would cost the tails their digits. Beyond 40 the slope
// is 0 or 1 to the last bit, and no infinity may meet a 0.
Tensor gelu_slope(const Tensor& x, bool approximate) {
  const Tensor wide = to(clamp(x, {.min = -40, .max = 40}), float64);
  return to(approximate ? approximate_gelu_slope(wide) : exact_gelu_slope(wide), x.dtype());
}

}  // namespace

void activation_derivatives(Derivatives& d) {
  d.rule<Tanh>([](const Tensor& dy, Output y) {
     return dy * (1 - y * y);
   }).unrecorded([](const Tensor& dy, Output y) {
    return apply(TanhBackward{}, dy, static_cast<const Tensor&>(y));
  });
  d.rule<Sigmoid>([](const Tensor& dy, Output y) {
     return dy * (y * (1 - y));
   }).unrecorded([](const Tensor& dy, Output y) {
    return apply(SigmoidBackward{}, dy, static_cast<const Tensor&>(y));
  });
  d.rule<Relu>([](const Tensor& dy, Output y) { return where(greater(y, 0), dy, 0); });
  d.rule<Softplus>([](const Tensor& dy, Input<0> x) { return dy * sigmoid(x); });
  d.rule<Gelu>([](const Tensor& dy, const Gelu& op, Input<0> x) {
    return dy * gelu_slope(x, op.approximate);
  });
}

}  // namespace rw
