// Quotients that go down to a whole number, what they leave, and powers: element by element with
// broadcasting.
//
// As in Python and NumPy the quotient is rounded towards -infinity and the remainder has the sign
// of the divisor, so that a == floor_divide(a, b) * b + remainder(a, b). float by zero gives a / b
// and NaN. int64 by zero throws ValueError, which says where the zero is; the smallest int64 by -1
// wraps. Operands have one dtype, not bool (DtypeError).
#pragma once

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/takes.h"

namespace [[gnu::visibility("default")]] rw {

struct FloorDivide {
  static constexpr std::string_view name = "floor_divide";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, takes_numbers(name, a), b);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

struct Remainder {
  static constexpr std::string_view name = "remainder";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, takes_numbers(name, a), b);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

// a to the power of b by the rules of std::pow: pow(x, 0) = pow(1, x) = 1 for every x, NaN too;
// NaN for a negative a unless b is whole. One exponent of 2 for all gives a * a. float32, float64.
struct Pow {
  static constexpr std::string_view name = "pow";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, takes_floats(name, a), b);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

Tensor floor_divide(Tensor a, Tensor b);
Tensor floor_divide(Tensor a, Scalar b);
Tensor floor_divide(Scalar a, Tensor b);
Tensor remainder(Tensor a, Tensor b);
Tensor remainder(Tensor a, Scalar b);
Tensor remainder(Scalar a, Tensor b);
Tensor pow(Tensor a, Tensor b);
Tensor pow(Tensor a, Scalar b);
Tensor pow(Scalar a, Tensor b);

}  // namespace rw
