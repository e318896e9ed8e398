// What the vector functions are tested against: the C library in the next wider type, and the error
// measured in units in the last place.
#pragma once

#include <hwy/targets.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <vector>

#include "rewind/tensor/kernels/transcendental.h"

namespace rw::kernels {

template <class T>
using Wider = std::conditional_t<std::is_same_v<T, float>, double, long double>;

// One function under test. `worst` is the error that the header promises.
template <class T>
struct Transcendental {
  std::string_view name;
  void (*vector)(const T*, T*, Index);
  Wider<T> (*reference)(Wider<T>);
  double worst;
};

template <class T>
inline const std::array<Transcendental<T>, 4> kTranscendentals = {{
    {"exp", exp, [](Wider<T> x) { return std::exp(x); }, 1.1},
    {"log", log, [](Wider<T> x) { return std::log(x); }, 1.1},
    {"tanh", tanh, [](Wider<T> x) { return std::tanh(x); }, 2.6},
    {"sigmoid", sigmoid,
     [](Wider<T> x) {
       const Wider<T> e = std::exp(-std::abs(x));
       return (x < 0 ? e : (std::isnan(x) ? x : 1)) / (1 + e);
     },
     2.6},
}};

// |value - exact| in the spacing of T at `exact`; infinite where the kinds (NaN, infinity, the sign
// of zero) do not agree.
template <class T>
double ulp_error(T value, Wider<T> exact) {
  constexpr double kWrong = std::numeric_limits<double>::infinity();
  const T rounded = static_cast<T>(exact);
  if (std::isnan(rounded)) return std::isnan(value) ? 0 : kWrong;
  if (value == rounded && (value != 0 || std::signbit(value) == std::signbit(rounded))) return 0.5;
  if (!std::isfinite(value) || !std::isfinite(rounded) || value == 0 || rounded == 0) {
    const bool smallest = std::abs(value - rounded) <= std::numeric_limits<T>::denorm_min();
    return smallest ? static_cast<double>(std::abs(static_cast<Wider<T>>(value) - exact) /
                                          std::numeric_limits<T>::denorm_min())
                    : kWrong;
  }
  using Bits = std::conditional_t<std::is_same_v<T, float>, std::uint32_t, std::uint64_t>;
  constexpr Bits kExponent = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
  const T size = std::max(std::abs(rounded), std::numeric_limits<T>::min());
  const T power_of_two = std::bit_cast<T>(std::bit_cast<Bits>(size) & kExponent);
  const Wider<T> spacing = Wider<T>{power_of_two} * std::numeric_limits<T>::epsilon();
  return static_cast<double>(std::abs(static_cast<Wider<T>>(value) - exact) / spacing);
}

}  // namespace rw::kernels
