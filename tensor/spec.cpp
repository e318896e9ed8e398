#include "rewind/tensor/spec.h"

#include <algorithm>

namespace rw {

Dims::Dims(std::span<const Index> sizes) {
  for (Index size : sizes) push_back(size);
}

void Dims::push_back(Index size) {
  require<ShapeError>(rank_ < kMaxRank, "shape: more than {} axes", kMaxRank);
  require<ShapeError>(size >= 0, "shape: size {} of axis {} is negative", size, rank_);
  sizes_[rank_++] = size;
}

Dims Dims::with(int axis, Index size) const {
  Dims result = *this;
  result.set(axis, size);
  return result;
}

Dims Dims::without(int axis) const {
  Dims result;
  for (int i = 0; i < rank(); i++) {
    if (i != axis) result.push_back((*this)[i]);
  }
  return result;
}

Dims Dims::with_front(Index size) const {
  Dims result{size};
  for (const Index own : *this) result.push_back(own);
  return result;
}

Index Dims::count() const {
  // Checked before a zero can hide it: [2^40, 2^40, 0] has no elements and no meaningful strides.
  Index product = 1;
  bool empty = false;
  for (Index size : *this) {
    empty |= size == 0;
    require<ShapeError>(!__builtin_mul_overflow(product, std::max<Index>(size, 1), &product),
                        "shape: the number of elements of {} overflows", *this);
  }
  return empty ? 0 : product;
}

std::array<Index, kMaxRank> contiguous_strides(const Dims& shape) {
  std::array<Index, kMaxRank> strides{};
  Index step = 1;
  for (int i = shape.rank(); i-- > 0;) {
    strides[static_cast<std::size_t>(i)] = step;
    step *= std::max<Index>(shape[i], 1);
  }
  return strides;
}

int axis_of(std::string_view op, Index axis, int rank) {
  const Index counted = axis < 0 ? axis + rank : axis;
  require<IndexError>(counted >= 0 && counted < rank, "{}: axis {} is outside a tensor of rank {}",
                      op, axis, rank);
  return static_cast<int>(counted);
}

Dims broadcast(std::string_view op, const Dims& a, const Dims& b) {
  if (a == b) return a;
  const int rank = std::max(a.rank(), b.rank());
  Dims result;
  for (int i = 0; i < rank; i++) {
    const Index x = i < rank - a.rank() ? 1 : a[i - (rank - a.rank())];
    const Index y = i < rank - b.rank() ? 1 : b[i - (rank - b.rank())];
    require<ShapeError>(x == y || x == 1 || y == 1,
                        "{}: shapes {} and {} do not broadcast; sizes {} and {} are neither equal "
                        "nor 1",
                        op, a, b, x, y);
    result.push_back(x == 1 ? y : x);
  }
  return result;
}

Spec broadcast(std::string_view op, const Spec& a, const Spec& b) {
  require<DtypeError>(a.dtype == b.dtype,
                      "{}: dtypes differ, {} and {}; convert one with to(x, dtype)", op, a, b);
  return {broadcast(op, a.shape, b.shape), a.dtype};
}

bool broadcasts_to(const Dims& from, const Dims& to) {
  bool fits = from.rank() <= to.rank();
  for (int i = 1; fits && i <= from.rank(); i++) {
    const Index size = from[from.rank() - i];
    fits = size == 1 || size == to[to.rank() - i];
  }
  return fits;
}

std::string to_string(const Dims& shape) {
  std::string text = "[";
  for (Index size : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(size);
  }
  return text + "]";
}

std::string to_string(const Spec& spec) {
  return fmt::format("{} {}", name_of(spec.dtype), to_string(spec.shape));
}

}  // namespace rw
