// Walks the attributes of an operation without a list of them, so that none can be forgotten.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace rw {

namespace fields_internal {

struct AnyValue {
  template <class T>
  operator T() const;
};

template <class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { T{(void(I), AnyValue{})...}; };
}

// The number of fields of an aggregate: the longest list of initialisers that it takes.
template <class T, std::size_t N = 8>
constexpr std::size_t count() {
  if constexpr (N == 0 || takes<T>(std::make_index_sequence<N>{})) {
    return N;
  } else {
    return count<T, N - 1>();
  }
}

}  // namespace fields_internal

// Calls f with each field of an aggregate of at most six, in order.
template <class T, class F>
void for_each_field(const T& value, F&& f) {
  if constexpr (!std::is_empty_v<T>) {
    static_assert(std::is_aggregate_v<T>,
                  "attributes of an operation are the fields of an aggregate");
    constexpr std::size_t n = fields_internal::count<T>();
    static_assert(n >= 1 && n <= 6, "an operation has at most six attributes");
    if constexpr (n == 1) {
      const auto& [a] = value;
      f(a);
    } else if constexpr (n == 2) {
      const auto& [a, b] = value;
      f(a), f(b);
    } else if constexpr (n == 3) {
      const auto& [a, b, c] = value;
      f(a), f(b), f(c);
    } else if constexpr (n == 4) {
      const auto& [a, b, c, d] = value;
      f(a), f(b), f(c), f(d);
    } else if constexpr (n == 5) {
      const auto& [a, b, c, d, e] = value;
      f(a), f(b), f(c), f(d), f(e);
    } else {
      const auto& [a, b, c, d, e, g] = value;
      f(a), f(b), f(c), f(d), f(e), f(g);
    }
  }
}

}  // namespace rw
