// Choosing between elements by a mask or by their size.
#pragma once

#include <limits>

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/takes.h"

namespace [[gnu::visibility("default")]] rw {

// a where the condition holds, b elsewhere. The element that is not chosen is not looked at: NaN
// there changes nothing. All three broadcast; the condition is bool, a and b have one dtype.
struct Where {
  static constexpr std::string_view name = "where";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& condition, const Spec& a, const Spec& b) const;
  void run(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& y) const;
};

// x with `value` where the mask holds; x and the mask broadcast.
struct MaskedFill {
  double value;
  static constexpr std::string_view name = "masked_fill";
  static constexpr bool elementwise = true, broadcasts = true;
  Spec infer(const Spec& x, const Spec& mask) const;
  void run(const Tensor& x, const Tensor& mask, Tensor& y) const;
};

// x moved into [min, max]; NaN stays.
struct Clamp {
  double min, max;
  static constexpr std::string_view name = "clamp";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

Tensor where(const Tensor& condition, Tensor a, Tensor b);
Tensor where(const Tensor& condition, Tensor a, Scalar b);
Tensor where(const Tensor& condition, Scalar a, Tensor b);

Tensor masked_fill(Tensor x, const Tensor& mask, Scalar value);

// Beside int64 a bound is whole or infinite. ValueError when min > max or one is NaN.
struct ClampOptions {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
};
Tensor clamp(Tensor x, ClampOptions options);

}  // namespace rw
