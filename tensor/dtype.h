// The four types of numbers that a tensor holds. A dtype is a property at run time; `dispatch`
// turns it into a C++ type where a kernel needs one.
#pragma once

#include <algorithm>
#include <string_view>
#include <type_traits>

#include "rewind/tensor/error.h"
#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {

enum class Dtype : std::uint8_t { float32, float64, int64, boolean };

inline constexpr Dtype float32 = Dtype::float32;
inline constexpr Dtype float64 = Dtype::float64;
inline constexpr Dtype int64 = Dtype::int64;
inline constexpr Dtype boolean = Dtype::boolean;

constexpr Index bytes_of(Dtype dtype) {
  return dtype == Dtype::float32 ? 4 : dtype == Dtype::boolean ? 1 : 8;
}

constexpr bool is_float(Dtype dtype) { return dtype <= Dtype::float64; }

constexpr std::string_view name_of(Dtype dtype) {
  constexpr std::string_view names[] = {"float32", "float64", "int64", "bool"};
  return names[static_cast<int>(dtype)];
}

template <class T>
constexpr Dtype dtype_of() {
  if constexpr (std::is_same_v<T, float>) {
    return Dtype::float32;
  } else if constexpr (std::is_same_v<T, double>) {
    return Dtype::float64;
  } else if constexpr (std::is_same_v<T, bool>) {
    return Dtype::boolean;
  } else {
    static_assert(std::is_same_v<T, Index>, "a tensor holds float, double, int64_t or bool");
    return Dtype::int64;
  }
}

// Calls f with a value of the C++ type of `dtype`, one of the types that the name says. Other
// dtypes throw DtypeError in the name of `op`.
template <class F>
decltype(auto) dispatch_float(std::string_view op, Dtype dtype, F&& f) {
  if (dtype == Dtype::float32) return f(float{});
  require<DtypeError>(dtype == Dtype::float64,
                      "{}: takes float32 or float64, got {}; convert with to(x, float32)", op,
                      name_of(dtype));
  return f(double{});
}

template <class F>
decltype(auto) dispatch_number(std::string_view op, Dtype dtype, F&& f) {
  if (dtype == Dtype::int64) return f(Index{});
  require<DtypeError>(dtype != Dtype::boolean,
                      "{}: takes numbers, got bool; convert with to(x, int64)", op);
  return dispatch_float(op, dtype, f);
}

template <class F>
decltype(auto) dispatch_any(Dtype dtype, F&& f) {
  if (dtype == Dtype::boolean) return f(bool{});
  return dispatch_number("dispatch", dtype, f);
}

}  // namespace rw

// Copies its text by hand, as the formatters of other types do: fmt::format_to in a header that has
// only <fmt/core.h> does not link with clang 14 against a libfmt built by GCC.
template <>
struct fmt::formatter<rw::Dtype> {
  constexpr auto parse(format_parse_context& context) { return context.begin(); }
  auto format(rw::Dtype dtype, format_context& context) const {
    return std::ranges::copy(rw::name_of(dtype), context.out()).out;
  }
};
