// The axes that a reduction takes away.
#pragma once

#include <concepts>
#include <initializer_list>

#include "rewind/tensor/spec.h"

namespace [[gnu::visibility("default")]] rw {

// A list of axes as a caller writes it: 1, -1, {0, 2}. Negative ones count from the end. {} means
// all axes.
class Axes {
 public:
  Axes() = default;
  template <std::integral T>
  requires(!std::same_as<T, bool>) Axes(T axis)
      : Axes(std::initializer_list<Index>{static_cast<Index>(axis)}) {}
  Axes(std::initializer_list<Index> axes);

  // The axes of a tensor of this rank as bits: bit i is axis i. Throws IndexError for one that the
  // tensor does not have and ValueError for one named twice, both in the name of `op`.
  std::uint32_t mask(std::string_view op, int rank) const;

 private:
  std::array<Index, kMaxRank> axes_{};
  int count_ = 0;
};

// The axes of a tensor as bits: bit i is axis i. Where attributes are printed it reads as a caller
// would write it: [0, 2].
class AxisMask {
 public:
  constexpr AxisMask(std::uint32_t bits) : bits_(bits) {}
  constexpr operator std::uint32_t() const { return bits_; }

 private:
  std::uint32_t bits_;
};

std::string to_string(AxisMask axes);

// What is left of a shape without the axes of a mask, or with them as axes of size 1.
Dims reduced_shape(const Dims& shape, std::uint32_t axes, bool keepdims);

// What the operations that take axes away have in common.
struct Reduction {
  AxisMask axes;
  bool keepdims;

  Dims reduced(const Dims& shape) const { return reduced_shape(shape, axes, keepdims); }
  Spec reduced(const Spec& x) const { return x.with_shape(reduced(x.shape)); }
};

// How many elements of a tensor of this shape become one without the axes of a mask.
Index elements_each(const Dims& shape, std::uint32_t axes);

}  // namespace rw

template <>
struct fmt::formatter<rw::AxisMask> {
  constexpr auto parse(format_parse_context& context) { return context.begin(); }
  auto format(rw::AxisMask axes, format_context& context) const {
    return std::ranges::copy(rw::to_string(axes), context.out()).out;
  }
};
