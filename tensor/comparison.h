// Comparisons and logic, element by element with broadcasting: bool results.
//
// Comparisons take two tensors of one dtype, any of the four (DtypeError), or a tensor and a C++
// number that means the same in its dtype. Nothing equals NaN, nothing is less or greater. == is
// not an operator of tensors: as a function, `equal` cannot be mistaken for one answer.
// Logic takes bool only.
#pragma once

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/takes.h"

namespace [[gnu::visibility("default")]] rw {

struct Equal {
  static constexpr std::string_view name = "equal";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, a, b).with_dtype(boolean);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

struct NotEqual {
  static constexpr std::string_view name = "not_equal";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, a, b).with_dtype(boolean);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

struct Less {
  static constexpr std::string_view name = "less";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, a, b).with_dtype(boolean);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

struct LessEqual {
  static constexpr std::string_view name = "less_equal";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, a, b).with_dtype(boolean);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

struct Greater {
  static constexpr std::string_view name = "greater";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, a, b).with_dtype(boolean);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

struct GreaterEqual {
  static constexpr std::string_view name = "greater_equal";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, a, b).with_dtype(boolean);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

struct LogicalAnd {
  static constexpr std::string_view name = "logical_and";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, takes_bools(name, a), b);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

struct LogicalOr {
  static constexpr std::string_view name = "logical_or";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, takes_bools(name, a), b);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

struct LogicalXor {
  static constexpr std::string_view name = "logical_xor";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, takes_bools(name, a), b);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

struct LogicalNot {
  static constexpr std::string_view name = "logical_not";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return takes_bools(name, x); }
  void run(const Tensor& x, Tensor& y) const;
};

Tensor equal(const Tensor& a, const Tensor& b);
Tensor not_equal(const Tensor& a, const Tensor& b);
Tensor less(const Tensor& a, const Tensor& b);
Tensor less_equal(const Tensor& a, const Tensor& b);
Tensor greater(const Tensor& a, const Tensor& b);
Tensor greater_equal(const Tensor& a, const Tensor& b);

Tensor equal(const Tensor& a, Scalar b);
Tensor not_equal(const Tensor& a, Scalar b);
Tensor less(const Tensor& a, Scalar b);
Tensor less_equal(const Tensor& a, Scalar b);
Tensor greater(const Tensor& a, Scalar b);
Tensor greater_equal(const Tensor& a, Scalar b);

Tensor operator<(const Tensor& a, const Tensor& b);
Tensor operator<=(const Tensor& a, const Tensor& b);
Tensor operator>(const Tensor& a, const Tensor& b);
Tensor operator>=(const Tensor& a, const Tensor& b);

Tensor operator<(const Tensor& a, Scalar b);
Tensor operator<=(const Tensor& a, Scalar b);
Tensor operator>(const Tensor& a, Scalar b);
Tensor operator>=(const Tensor& a, Scalar b);

Tensor operator<(Scalar a, const Tensor& b);
Tensor operator<=(Scalar a, const Tensor& b);
Tensor operator>(Scalar a, const Tensor& b);
Tensor operator>=(Scalar a, const Tensor& b);

Tensor logical_and(Tensor a, Tensor b);
Tensor logical_or(Tensor a, Tensor b);
Tensor logical_xor(Tensor a, Tensor b);
Tensor logical_not(Tensor x);

}  // namespace rw
