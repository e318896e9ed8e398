// The functions between the layers of a network, element by element. They saturate: no argument
// overflows on its way to a finite result, -inf and inf give the limits, NaN stays NaN. float32 or
// float64 (DtypeError); relu takes int64 too.
#pragma once

#include "rewind/tensor/op.h"
#include "rewind/tensor/takes.h"

namespace [[gnu::visibility("default")]] rw {

struct Tanh {
  static constexpr std::string_view name = "tanh";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

// 1 / (1 + exp(-x)).
struct Sigmoid {
  static constexpr std::string_view name = "sigmoid";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

// max(x, 0).
struct Relu {
  static constexpr std::string_view name = "relu";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_numbers(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

// log(1 + exp(x)), as max(x, 0) + log1p(exp(-|x|)).
struct Softplus {
  static constexpr std::string_view name = "softplus";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

// x P(X <= x) for X of the standard normal distribution (Hendrycks and Gimpel 2016):
// x (1 + erf(x / sqrt 2)) / 2, or approximated by
// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
// Value and gradient are computed in double: of float32 they are right to half a unit in the last
// place and a little, in the far negative tail too. Of float64 they lose some x^2 units there, and
// x^4 when approximated: the error of the exponent.
struct Gelu {
  bool approximate;
  static constexpr double kCubic = 0.044715, kSqrtTwoOverPi = 0.79788456080286535588;
  static constexpr std::string_view name = "gelu";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

struct GeluOptions {
  bool approximate = false;
};

Tensor tanh(Tensor x);
Tensor sigmoid(Tensor x);
Tensor relu(Tensor x);
Tensor softplus(Tensor x);
Tensor gelu(Tensor x, GeluOptions options = {});

}  // namespace rw
