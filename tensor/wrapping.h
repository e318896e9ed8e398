// Arithmetic that does not trap: overflow of int64 wraps, as in NumPy. Of floats it is the
// ordinary.
#pragma once

#include <cstdint>
#include <functional>
#include <type_traits>

#include "rewind/tensor/index.h"

namespace rw {

// f(a, b) for f one of std::plus, std::minus, std::multiplies.
template <class F, class T>
T wrapped(F f, T a, T b) {
  using U = std::conditional_t<std::is_same_v<T, Index>, std::uint64_t, T>;
  return static_cast<T>(f(static_cast<U>(a), static_cast<U>(b)));
}

}  // namespace rw
