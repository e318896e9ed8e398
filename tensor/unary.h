// Exponentials, logarithms, roots and circles, element by element.
//
// Outside its domain a function gives NaN or the limit, never an error: log(0) = -inf, log(-1) =
// NaN, sqrt(-1) = NaN, rsqrt(0) = reciprocal(0) = inf. NaN stays NaN. float32 or float64
// (DtypeError); square takes int64 too, where overflow wraps.
#pragma once

#include "rewind/tensor/op.h"
#include "rewind/tensor/takes.h"

namespace [[gnu::visibility("default")]] rw {

struct Exp {
  static constexpr std::string_view name = "exp";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

// exp(x) - 1 and log(1 + x), exact near zero.
struct Expm1 {
  static constexpr std::string_view name = "expm1";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

struct Log {
  static constexpr std::string_view name = "log";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

struct Log1p {
  static constexpr std::string_view name = "log1p";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

struct Sqrt {
  static constexpr std::string_view name = "sqrt";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

// 1 / sqrt(x).
struct Rsqrt {
  static constexpr std::string_view name = "rsqrt";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

struct Square {
  static constexpr std::string_view name = "square";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_numbers(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

struct Reciprocal {
  static constexpr std::string_view name = "reciprocal";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

struct Sin {
  static constexpr std::string_view name = "sin";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

struct Cos {
  static constexpr std::string_view name = "cos";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

Tensor exp(Tensor x);
Tensor expm1(Tensor x);
Tensor log(Tensor x);
Tensor log1p(Tensor x);
Tensor sqrt(Tensor x);
Tensor rsqrt(Tensor x);
Tensor square(Tensor x);
Tensor reciprocal(Tensor x);
Tensor sin(Tensor x);
Tensor cos(Tensor x);

}  // namespace rw
