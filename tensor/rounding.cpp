#include "rewind/tensor/rounding.h"

#include <cmath>

#include "rewind/tensor/map.h"
#include "rewind/tensor/wrapping.h"

namespace rw {
namespace {

// Adding 2^52 (2^23) leaves no bits for a fraction, and the processor rounds it away, halves to
// even. What is as large has no fraction. Vector code on every processor, unlike std::nearbyint.
template <class T>
T round_half_even(T x) {
  constexpr T kWhole = std::is_same_v<T, float> ? T(0x1p23) : T(0x1p52);
  const T size = std::abs(x);
  return size < kWhole ? std::copysign((size + kWhole) - kWhole, x) : x;
}

}  // namespace

void Abs::run(const Tensor& x, Tensor& y) const {
  if (x.dtype() != int64) return map(x, y, [](auto v) { return std::abs(v); });
  map_as<Index>(x, y, [](Index v) { return v < 0 ? wrapped(std::minus<>(), Index{0}, v) : v; });
}

// Zeros keep their sign, and NaN stays.
void Sign::run(const Tensor& x, Tensor& y) const {
  dispatch_number(name, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    map_as<T>(x, y, [](T v) { return v > 0 ? T{1} : v < 0 ? T{-1} : v; });
  });
}

void Floor::run(const Tensor& x, Tensor& y) const {
  map(x, y, [](auto v) { return std::floor(v); });
}
void Round::run(const Tensor& x, Tensor& y) const {
  map(x, y, [](auto v) { return round_half_even(v); });
}
void IsNan::run(const Tensor& x, Tensor& y) const {
  map(x, y, [](auto v) { return std::isnan(v); });
}
void IsFinite::run(const Tensor& x, Tensor& y) const {
  map(x, y, [](auto v) { return std::isfinite(v); });
}

Tensor abs(Tensor x) { return apply(Abs{}, std::move(x)); }
Tensor sign(Tensor x) { return apply(Sign{}, std::move(x)); }
Tensor floor(Tensor x) { return apply(Floor{}, std::move(x)); }
Tensor round(Tensor x) { return apply(Round{}, std::move(x)); }
Tensor isnan(const Tensor& x) { return apply(IsNan{}, x); }
Tensor isfinite(const Tensor& x) { return apply(IsFinite{}, x); }

}  // namespace rw
