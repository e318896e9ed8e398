// Walks the fields of an aggregate without a list of them, so that none can be forgotten: the
// attributes of an operation, the tensors of a state.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace rw {

namespace fields_internal {

// Stands for any field of an aggregate, but not for its base: whose fields are then counted, too.
template <class Aggregate>
struct AnyField {
  template <class T>
  requires(!std::is_base_of_v<T, Aggregate>) operator T() const;
};

template <class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { T{(void(I), AnyField<T>{})...}; };
}

// The number of fields of an aggregate: the longest list of initialisers that it takes.
template <class T, std::size_t N>
constexpr std::size_t count() {
  if constexpr (N == 0 || takes<T>(std::make_index_sequence<N>{})) {
    return N;
  } else {
    return count<T, N - 1>();
  }
}

}  // namespace fields_internal

inline constexpr std::size_t kMaxFields = 8;

// Calls f(field, field, ...) with all fields of an aggregate of at most eight, in order. All are
// its own, or all those of one base.
template <class T, class F>
decltype(auto) with_fields(T&& value, F&& f) {
  using Aggregate = std::remove_cvref_t<T>;
  if constexpr (std::is_empty_v<Aggregate>) {
    return f();
  } else {
    static_assert(std::is_aggregate_v<Aggregate>,
                  "only the fields of an aggregate can be walked: a struct without constructors");
    constexpr std::size_t n = fields_internal::count<Aggregate, kMaxFields + 1>();
    static_assert(n >= 1 && n <= kMaxFields, "at most eight fields can be walked");
    if constexpr (n == 1) {
      auto& [a] = value;
      return f(a);
    } else if constexpr (n == 2) {
      auto& [a, b] = value;
      return f(a, b);
    } else if constexpr (n == 3) {
      auto& [a, b, c] = value;
      return f(a, b, c);
    } else if constexpr (n == 4) {
      auto& [a, b, c, d] = value;
      return f(a, b, c, d);
    } else if constexpr (n == 5) {
      auto& [a, b, c, d, e] = value;
      return f(a, b, c, d, e);
    } else if constexpr (n == 6) {
      auto& [a, b, c, d, e, g] = value;
      return f(a, b, c, d, e, g);
    } else if constexpr (n == 7) {
      auto& [a, b, c, d, e, g, h] = value;
      return f(a, b, c, d, e, g, h);
    } else {
      auto& [a, b, c, d, e, g, h, i] = value;
      return f(a, b, c, d, e, g, h, i);
    }
  }
}

// Calls f with each of them, one after the other.
template <class T, class F>
void for_each_field(T&& value, F&& f) {
  with_fields(value, [&](auto&... field) { (f(field), ...); });
}

// Whether two aggregates have equal fields. Floats are equal when their bits are: NaN is itself,
// and -0 is not 0. A field without == is equal to none, not even to itself.
template <class T>
bool equal_fields(const T& a, const T& b) {
  const auto equal = []<class Field>(const Field& p, const Field& q) {
    if constexpr (std::is_same_v<Field, double>) {
      return std::bit_cast<std::uint64_t>(p) == std::bit_cast<std::uint64_t>(q);
    } else if constexpr (std::is_same_v<Field, float>) {
      return std::bit_cast<std::uint32_t>(p) == std::bit_cast<std::uint32_t>(q);
    } else if constexpr (std::equality_comparable<Field>) {
      return p == q;
    } else {
      return false;
    }
  };
  return with_fields(a, [&](const auto&... p) {
    return with_fields(b, [&](const auto&... q) { return (equal(p, q) && ...); });
  });
}

}  // namespace rw
