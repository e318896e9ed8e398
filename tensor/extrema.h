// The greatest and the smallest: of two tensors, and over axes (as in reduction.h).
//
// NaN is greater than everything to max, and smaller than everything to min: one NaN makes the
// result NaN. Over nothing there is none (ValueError). float32, float64 or int64 (DtypeError).
#pragma once

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/axes.h"
#include "rewind/tensor/takes.h"

namespace [[gnu::visibility("default")]] rw {

struct Maximum {
  static constexpr std::string_view name = "maximum";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, takes_numbers(name, a), b);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

struct Minimum {
  static constexpr std::string_view name = "minimum";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& a, const Spec& b) const {
    return broadcast(name, takes_numbers(name, a), b);
  }
  void run(const Tensor& a, const Tensor& b, Tensor& y) const;
};

struct Max : Reduction {
  static constexpr std::string_view name = "max";
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

struct Min : Reduction {
  static constexpr std::string_view name = "min";
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

// Where it stands: its position along the one axis that goes, or among all elements of several,
// row after row; int64. The first of equals.
struct ArgMax : Reduction {
  static constexpr std::string_view name = "argmax";
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

struct ArgMin : Reduction {
  static constexpr std::string_view name = "argmin";
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

Tensor maximum(Tensor a, Tensor b);
Tensor maximum(Tensor a, Scalar b);
Tensor minimum(Tensor a, Tensor b);
Tensor minimum(Tensor a, Scalar b);

Tensor max(const Tensor& x, Axes axes = {}, bool keepdims = false);
Tensor min(const Tensor& x, Axes axes = {}, bool keepdims = false);
Tensor argmax(const Tensor& x, Axes axes = {}, bool keepdims = false);
Tensor argmin(const Tensor& x, Axes axes = {}, bool keepdims = false);

}  // namespace rw
