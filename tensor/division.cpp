#include "rewind/tensor/division.h"

#include <cmath>

#include "rewind/tensor/find.h"
#include "rewind/tensor/map.h"
#include "rewind/tensor/wrapping.h"

namespace rw {
namespace {

void require_no_zero(std::string_view op, const Tensor& divisor) {
  const auto zero = find_first<Index>(divisor, [](Index v) { return v == 0; });
  if (zero) {
    throw ValueError(
        fmt::format("{}: division by zero, the divisor at {} of {}", op, *zero, divisor.spec()));
  }
}

// std::fmod is exact and has the sign of a; a remainder of the other sign moves by one divisor.
template <class T>
T remainder_of(T a, T b) {
  const T rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(rest, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

// (a - remainder) / b is whole but for rounding. The floor of a / b would be off by one where the
// quotient rounds up to a whole number: 6 / 0.1 is 59, as 0.1 is a little more than a tenth.
template <class T>
T quotient_of(T a, T b) {
  if (b == 0) return a / b;
  const T rest = std::fmod(a, b);
  T quotient = (a - rest) / b;
  if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1;
  return quotient == 0 ? std::copysign(T{}, a / b) : std::round(quotient);
}

// By -1 the processor would trap on the smallest number.
Index remainder_of(Index a, Index b) {
  if (b == -1) return 0;
  const Index rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

Index quotient_of(Index a, Index b) {
  if (b == -1) return wrapped(std::minus<>(), Index{0}, a);
  const Index rest = a % b;
  return a / b - (rest != 0 && (rest < 0) != (b < 0) ? 1 : 0);
}

}  // namespace

void FloorDivide::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  if (b.dtype() == int64 && y.size() > 0) require_no_zero(name, b);
  dispatch_number(name, a.dtype(), [&](auto v) {
    using T = decltype(v);
    zip_as<T>(a, b, y, [](T p, T q) { return quotient_of(p, q); });
  });
}

void Remainder::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  if (b.dtype() == int64 && y.size() > 0) require_no_zero(name, b);
  dispatch_number(name, a.dtype(), [&](auto v) {
    using T = decltype(v);
    zip_as<T>(a, b, y, [](T p, T q) { return remainder_of(p, q); });
  });
}

void Pow::run(const Tensor& a, const Tensor& b, Tensor& y) const {
  if (b.size() == 1 && b.item() == 2) {
    return zip(a, b, y, [](auto p, auto) { return p * p; });
  }
  zip(a, b, y, [](auto p, auto q) { return std::pow(p, q); });
}

Tensor floor_divide(Tensor a, Tensor b) { return apply(FloorDivide{}, std::move(a), std::move(b)); }
Tensor floor_divide(Tensor a, Scalar b) { return apply_beside<FloorDivide>(std::move(a), b); }
Tensor floor_divide(Scalar a, Tensor b) { return apply_beside<FloorDivide>(a, std::move(b)); }
Tensor remainder(Tensor a, Tensor b) { return apply(Remainder{}, std::move(a), std::move(b)); }
Tensor remainder(Tensor a, Scalar b) { return apply_beside<Remainder>(std::move(a), b); }
Tensor remainder(Scalar a, Tensor b) { return apply_beside<Remainder>(a, std::move(b)); }
Tensor pow(Tensor a, Tensor b) { return apply(Pow{}, std::move(a), std::move(b)); }
Tensor pow(Tensor a, Scalar b) { return apply_beside<Pow>(std::move(a), b); }
Tensor pow(Scalar a, Tensor b) { return apply_beside<Pow>(a, std::move(b)); }

}  // namespace rw
