// The shape of a tensor, and shape and dtype together: what a shape rule reads and returns.
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>

#include "rewind/tensor/dtype.h"

namespace [[gnu::visibility("default")]] rw {

inline constexpr int kMaxRank = 8;

// Up to eight sizes, each zero or more, held inline. Making one throws ShapeError when there are
// more than eight, or one is negative.
class Dims {
 public:
  Dims() = default;
  Dims(std::initializer_list<Index> sizes) : Dims(std::span(sizes.begin(), sizes.size())) {}
  explicit Dims(std::span<const Index> sizes);

  int rank() const { return rank_; }
  const Index* begin() const { return sizes_.data(); }
  const Index* end() const { return sizes_.data() + rank_; }
  // `axis` must be one of 0 .. rank - 1; `axis_of` turns what a caller wrote into one.
  Index operator[](int axis) const { return sizes_[static_cast<std::size_t>(axis)]; }
  Index back() const { return sizes_[static_cast<std::size_t>(rank_ - 1)]; }

  void set(int axis, Index size) { sizes_[static_cast<std::size_t>(axis)] = size; }
  void push_back(Index size);
  Dims with(int axis, Index size) const;
  Dims without(int axis) const;
  Dims with_front(Index size) const;  // an axis more, in front of these

  // The number of elements: the product of the sizes. Throws ShapeError when it overflows.
  Index count() const;

  friend bool operator==(const Dims& a, const Dims& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; i++) {
      if (a[i] != b[i]) return false;
    }
    return true;
  }

 private:
  std::array<Index, kMaxRank> sizes_{};
  std::uint8_t rank_ = 0;
};

// Steps in elements, one per axis, of a tensor that lies in memory row after row.
std::array<Index, kMaxRank> contiguous_strides(const Dims& shape);

struct Spec {
  Dims shape;
  Dtype dtype = Dtype::float32;

  int rank() const { return shape.rank(); }
  Index dim(int axis) const { return shape[axis]; }
  Spec with_shape(const Dims& other) const { return {other, dtype}; }
  Spec with_dtype(Dtype other) const { return {shape, other}; }
  friend bool operator==(const Spec& a, const Spec& b) {
    return a.dtype == b.dtype && a.shape == b.shape;
  }
};

// `axis` as 0 .. rank - 1; negative ones count from the end. Throws IndexError in the name of `op`.
int axis_of(std::string_view op, Index axis, int rank);

// The shape that element-wise operations give two operands, by NumPy's rule: aligned at the last
// axis, sizes equal or 1. Throws ShapeError in the name of `op`.
Dims broadcast(std::string_view op, const Dims& a, const Dims& b);

// The same for specs; dtypes must agree (DtypeError).
Spec broadcast(std::string_view op, const Spec& a, const Spec& b);

// Whether repeating axes of size 1, and new ones in front, makes `to` of `from`.
bool broadcasts_to(const Dims& from, const Dims& to);

std::string to_string(const Dims& shape);  // [2, 3]
std::string to_string(const Spec& spec);   // float32 [2, 3]

}  // namespace rw

template <>
struct fmt::formatter<rw::Dims> {
  constexpr auto parse(format_parse_context& context) { return context.begin(); }
  auto format(const rw::Dims& shape, format_context& context) const {
    return std::ranges::copy(rw::to_string(shape), context.out()).out;
  }
};

template <>
struct fmt::formatter<rw::Spec> {
  constexpr auto parse(format_parse_context& context) { return context.begin(); }
  auto format(const rw::Spec& spec, format_context& context) const {
    return std::ranges::copy(rw::to_string(spec), context.out()).out;
  }
};
