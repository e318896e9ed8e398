#include "rewind/tensor/select.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "rewind/tensor/map.h"

namespace rw {
namespace {

template <class T>
using WordOf = std::conditional_t<sizeof(T) == 8, std::uint64_t,
                                  std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint8_t>>;

// By the bits of both: of ?: a compiler makes a branch, and on random masks that takes 7 times as
// long.
template <class T>
T either(bool condition, T a, T b) {
  using Word = WordOf<T>;
  const auto mask = static_cast<Word>(-static_cast<Word>(condition));
  return std::bit_cast<T>(
      static_cast<Word>((std::bit_cast<Word>(a) & mask) | (std::bit_cast<Word>(b) & ~mask)));
}

template <class T>
void choose(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& y) {
  const bool* c = condition.data<bool>();
  const T* p = a.data<T>();
  const T* q = b.data<T>();
  T* to = output_data<T>(y);
  const Dims& shape = y.shape();
  const Index length = length_of_row(shape);
  const std::array<Strides, 3> strides{broadcast_strides(condition, shape),
                                       broadcast_strides(a, shape), broadcast_strides(b, shape)};
  const auto last = static_cast<std::size_t>(std::max(shape.rank() - 1, 0));
  const Index c_step = strides[0][last], a_step = strides[1][last], b_step = strides[2][last];
  const auto row = [=](Index number, const std::array<Index, 3>& at, auto step_c, auto step_a,
                       auto step_b) {
    T* const chosen = to + number * length;
    for (Index i = 0; i < length; i++) {
      chosen[i] = either(c[at[0] + i * step_c], p[at[1] + i * step_a], q[at[2] + i * step_b]);
    }
  };
  constexpr std::integral_constant<Index, 0> same;
  constexpr std::integral_constant<Index, 1> next;
  share_rows<3>(shape, strides, [&](Index number, const std::array<Index, 3>& at) {
    if (c_step == 1 && a_step == 1 && b_step == 1) {
      row(number, at, next, next, next);
    } else if (c_step == 1 && a_step == 1 && b_step == 0) {
      row(number, at, next, next, same);
    } else if (c_step == 1 && a_step == 0 && b_step == 1) {
      row(number, at, next, same, next);
    } else {
      row(number, at, c_step, a_step, b_step);
    }
  });
}

// An infinite bound of int64 is no bound.
template <class T>
T bound(double value) {
  if constexpr (std::is_same_v<T, Index>) {
    if (std::isinf(value)) {
      return value < 0 ? std::numeric_limits<Index>::min() : std::numeric_limits<Index>::max();
    }
  }
  return static_cast<T>(value);
}

}  // namespace

Spec Where::infer(const Spec& condition, const Spec& a, const Spec& b) const {
  takes_bools(name, condition);
  const Spec chosen = broadcast(name, a, b);
  return chosen.with_shape(broadcast(name, condition.shape, chosen.shape));
}

void Where::run(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& y) const {
  dispatch_any(a.dtype(), [&](auto v) { choose<decltype(v)>(condition, a, b, y); });
}

Spec MaskedFill::infer(const Spec& x, const Spec& mask) const {
  takes_bools(name, mask);
  takes_element(name, value, x);
  return x.with_shape(broadcast(name, x.shape, mask.shape));
}

void MaskedFill::run(const Tensor& x, const Tensor& mask, Tensor& y) const {
  dispatch_any(x.dtype(), [&](auto v) {
    using T = decltype(v);
    Tensor filling = Tensor::uninitialized({{}, x.dtype()});
    *output_data<T>(filling) = static_cast<T>(value);
    choose<T>(mask, filling, x, y);
  });
}

Spec Clamp::infer(const Spec& x) const {
  takes_numbers(name, x);
  require<ValueError>(min <= max, "clamp: no number lies between min = {} and max = {}", min, max);
  for (const double value : {min, max}) {
    if (!std::isinf(value)) takes_element(name, value, x);
  }
  return x;
}

void Clamp::run(const Tensor& x, Tensor& y) const {
  dispatch_number(name, x.dtype(), [&](auto v) {
    using T = decltype(v);
    const T low = bound<T>(min), high = bound<T>(max);
    map_as<T>(x, y, [low, high](T p) { return p < low ? low : p > high ? high : p; });
  });
}

Tensor where(const Tensor& condition, Tensor a, Tensor b) {
  return apply(Where{}, condition, std::move(a), std::move(b));
}
Tensor where(const Tensor& condition, Tensor a, Scalar b) {
  Tensor other = scalar_beside(Where::name, b, a);
  return where(condition, std::move(a), std::move(other));
}
Tensor where(const Tensor& condition, Scalar a, Tensor b) {
  Tensor other = scalar_beside(Where::name, a, b);
  return where(condition, std::move(other), std::move(b));
}

Tensor masked_fill(Tensor x, const Tensor& mask, Scalar value) {
  return apply(MaskedFill{value.value}, std::move(x), mask);
}

Tensor clamp(Tensor x, ClampOptions options) {
  return apply(Clamp{options.min, options.max}, std::move(x));
}

}  // namespace rw
