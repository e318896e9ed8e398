// Sums, products and their kin, element by element with NumPy's broadcasting, as functions and
// operators. Operands have one dtype (DtypeError); a C++ number takes the dtype of the tensor, and
// must mean the same in it (`takes_element`, takes.h). bool is refused: convert with to(x, int64).
//
// Tensors are taken by value: an operand that is a temporary gives its storage to the result.
#pragma once

#include "rewind/tensor/op.h"
#include "rewind/tensor/takes.h"

namespace [[gnu::visibility("default")]] rw {

// A C++ number beside a tensor.
struct Scalar {
  double value;
  template <class T>
  requires std::is_arithmetic_v<T> Scalar(T number) : value(static_cast<double>(number)) {}
};

// A tensor of rank 0 with one number in it, made as an operation.
Tensor scalar(Scalar value, Dtype dtype);

// The same for a number that stands beside x: of its dtype, of which it must be an element
// (`takes_element`, in the name of `op`).
Tensor scalar_beside(std::string_view op, Scalar value, const Tensor& x);

// An operation of two operands on a tensor and a number beside it. What it says of the tensor's
// dtype comes before what is wrong with the number.
template <class Op>
Tensor apply_beside(Tensor a, Scalar b) {
  Op{}.infer(a.spec(), {{}, a.dtype()});
  Tensor other = scalar_beside(Op::name, b, a);
  return apply(Op{}, std::move(a), std::move(other));
}
template <class Op>
Tensor apply_beside(Scalar a, Tensor b) {
  Op{}.infer({{}, b.dtype()}, b.spec());
  Tensor other = scalar_beside(Op::name, a, b);
  return apply(Op{}, std::move(other), std::move(b));
}

// A number as a tensor.
struct ScalarSource {
  double value;
  Dtype dtype;
  static constexpr std::string_view name = "scalar";
  Spec infer() const;
  void run(Tensor& y) const;
};

struct Add {
  static constexpr std::string_view name = "add";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, takes_numbers(name, a), b);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

struct Subtract {
  static constexpr std::string_view name = "subtract";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, takes_numbers(name, a), b);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

struct Multiply {
  static constexpr std::string_view name = "multiply";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, takes_numbers(name, a), b);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

// int64 is refused: 7 / 2 would have to be 3 or 3.5; see floor_divide.
struct Divide {
  static constexpr std::string_view name = "divide";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const;
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

// scale * x + shift, rounded once per operation: 2 * x, x + 1 and 1 - x are one call each.
struct Affine {
  double scale, shift;
  static constexpr std::string_view name = "affine";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

Tensor operator+(Tensor a, Tensor b);
Tensor operator-(Tensor a, Tensor b);
Tensor operator*(Tensor a, Tensor b);
Tensor operator/(Tensor a, Tensor b);

Tensor operator+(Tensor a, Scalar b);
Tensor operator-(Tensor a, Scalar b);
Tensor operator*(Tensor a, Scalar b);
Tensor operator/(Tensor a, Scalar b);
Tensor operator+(Scalar a, Tensor b);
Tensor operator-(Scalar a, Tensor b);
Tensor operator*(Scalar a, Tensor b);
Tensor operator/(Scalar a, Tensor b);

Tensor operator-(Tensor x);

}  // namespace rw
