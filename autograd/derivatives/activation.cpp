// tanh and sigmoid stand in every gate of every step, so their rules have a twin in one pass, for
// rewinds that nobody records.
#include "rewind/tensor/activation.h"

#include <cmath>
#include <numbers>

#include "rewind/autograd/derivatives.h"
#include "rewind/tensor/comparison.h"
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

// The probability that a standard normal variable is below x.
struct NormalCdf {
  static constexpr std::string_view name = "normal_cdf";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    map(x, y, [](auto v) {
      using T = decltype(v);
      return T(0.5) * std::erfc(-v * T(std::numbers::sqrt2 / 2));
    });
  }
  static void derivative(Rules<NormalCdf> d) {
    d([](const Tensor& dy, Input<0> x) {
      const double scale = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
      return dy * (scale * exp(-0.5 * square(x)));
    });
  }
};

Tensor gelu_derivative(const Tensor& x, bool approximate) {
  if (!approximate) {
    const double scale = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
    return apply(NormalCdf{}, x) + x * (scale * exp(-0.5 * square(x)));
  }
  // x (1 + tanh u) / 2 with u = k (x + a x^3).
  const double k = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  const double a = 0.044715;
  const Tensor xx = square(x);
  const Tensor t = tanh(k * (x + a * (xx * x)));
  return 0.5 * (1 + t) + 0.5 * (x * (1 - t * t)) * (k * (1 + (3 * a) * xx));
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
    return dy * gelu_derivative(x, op.approximate);
  });
}

}  // namespace rw
