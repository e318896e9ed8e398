#include "rewind/tensor/convert.h"

#include "rewind/tensor/find.h"
#include "rewind/tensor/map.h"

namespace rw {
namespace {

template <class T>
void require_integers(const Tensor& x) {
  T value{};
  const auto outside = find_first<T>(x, [&value](T v) {
    value = v;
    return !(v >= T(-0x1p63) && v < T(0x1p63));
  });
  if (outside) {
    throw ValueError(fmt::format("to: {} at {} of {} is no int64", value, *outside, x.spec()));
  }
}

}  // namespace

void Convert::run(const Tensor& x, Tensor& y) const {
  if (dtype == int64 && is_float(x.dtype())) {
    dispatch_float(name, x.dtype(), [&](auto v) { require_integers<decltype(v)>(x); });
  }
  dispatch_any(x.dtype(), [&](auto from) {
    dispatch_any(dtype, [&](auto into) {
      using T = decltype(from);
      using U = decltype(into);
      if constexpr (std::is_same_v<U, bool>) {
        map_as<T>(x, y, [](T v) { return v != T{}; });
      } else {
        map_as<T>(x, y, [](T v) { return static_cast<U>(v); });
      }
    });
  });
}

Tensor to(Tensor x, Dtype dtype) {
  if (x.dtype() == dtype) return x;
  return apply(Convert{dtype}, x);
}

}  // namespace rw
