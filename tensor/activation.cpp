#include "rewind/tensor/activation.h"

#include <cmath>

#include "rewind/tensor/kernels/by_kernel.h"
#include "rewind/tensor/map.h"

namespace rw {
namespace {

// x times a probability that vanishes faster than x grows.
template <class T>
T gated(T x, T probability) {
  return probability == 0 ? probability : x * probability;
}

// Through double for float32 as well: rounding the argument of erfc costs its tail x^2 digits.
double gelu_exact(double x) {
  constexpr double kSqrtHalf = 0.70710678118654752440;
  return gated(x, std::erfc(-x * kSqrtHalf) / 2);
}

// (1 + tanh(u)) / 2 = 1 / (1 + exp(-2 u)), without the cancellation.
double gelu_approximate(double x) {
  const double u = Gelu::kSqrtTwoOverPi * (x + Gelu::kCubic * x * x * x);
  return gated(x, 1 / (1 + std::exp(-2 * u)));
}

}  // namespace

void Tanh::run(const Tensor& x, Tensor& y) const {
  by_kernel(x, y, [](auto* from, auto* to, Index n) { kernels::tanh(from, to, n); });
}
void Sigmoid::run(const Tensor& x, Tensor& y) const {
  by_kernel(x, y, [](auto* from, auto* to, Index n) { kernels::sigmoid(from, to, n); });
}

// Written so that NaN stays.
void Relu::run(const Tensor& x, Tensor& y) const {
  dispatch_number(name, x.dtype(), [&](auto zero) {
    map_as<decltype(zero)>(x, y, [](auto v) { return v < 0 ? decltype(v){} : v; });
  });
}

void Softplus::run(const Tensor& x, Tensor& y) const {
  map(x, y, [](auto v) {
    const auto positive = v < 0 ? decltype(v){} : v;
    return positive + std::log1p(std::exp(-std::abs(v)));
  });
}

void Gelu::run(const Tensor& x, Tensor& y) const {
  map(x, y, [f = approximate ? gelu_approximate : gelu_exact](auto v) {
    return static_cast<decltype(v)>(f(v));
  });
}

Tensor tanh(Tensor x) { return apply(Tanh{}, std::move(x)); }
Tensor sigmoid(Tensor x) { return apply(Sigmoid{}, std::move(x)); }
Tensor relu(Tensor x) { return apply(Relu{}, std::move(x)); }
Tensor softplus(Tensor x) { return apply(Softplus{}, std::move(x)); }
Tensor gelu(Tensor x, GeluOptions options) {
  return apply(Gelu{options.approximate}, std::move(x));
}

}  // namespace rw
