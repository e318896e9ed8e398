// The parts of a number, element by element: its size, its sign, its whole part, its kind.
// float32 or float64 (DtypeError); abs and sign take int64 too.
#pragma once

#include "rewind/tensor/op.h"
#include "rewind/tensor/takes.h"

namespace [[gnu::visibility("default")]] rw {

// |x|. Of the smallest int64 it is that number itself, as in NumPy.
struct Abs {
  static constexpr std::string_view name = "abs";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_numbers(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

// -1, 0 or 1; NaN of NaN.
struct Sign {
  static constexpr std::string_view name = "sign";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_numbers(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

struct Floor {
  static constexpr std::string_view name = "floor";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

// To the nearest whole number, halves to the even one.
struct Round {
  static constexpr std::string_view name = "round";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

// Whether x is NaN; whether it is neither NaN nor infinite: bool.
struct IsNan {
  static constexpr std::string_view name = "isnan";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x).with_dtype(boolean); }
  void run(const Tensor& x, Tensor& y) const;
};

struct IsFinite {
  static constexpr std::string_view name = "isfinite";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_floats(name, x).with_dtype(boolean); }
  void run(const Tensor& x, Tensor& y) const;
};

Tensor abs(Tensor x);
Tensor sign(Tensor x);
Tensor floor(Tensor x);
Tensor round(Tensor x);
Tensor isnan(const Tensor& x);
Tensor isfinite(const Tensor& x);

}  // namespace rw
