#include "rewind/tensor/axes.h"

namespace rw {

Axes::Axes(std::initializer_list<Index> axes) {
  require<ValueError>(axes.size() <= axes_.size(), "axes: {} of them, and a tensor has at most {}",
                      axes.size(), kMaxRank);
  for (const Index axis : axes) axes_[static_cast<std::size_t>(count_++)] = axis;
}

std::uint32_t Axes::mask(std::string_view op, int rank) const {
  if (count_ == 0) return (1u << rank) - 1;
  std::uint32_t bits = 0;
  for (int i = 0; i < count_; i++) {
    const int axis = axis_of(op, axes_[static_cast<std::size_t>(i)], rank);
    require<ValueError>((bits >> axis & 1) == 0, "{}: axis {} is named twice", op, axis);
    bits |= 1u << axis;
  }
  return bits;
}

std::string to_string(AxisMask axes) {
  Dims named;
  for (int i = 0; i < kMaxRank; i++) {
    if (axes >> i & 1) named.push_back(i);
  }
  return to_string(named);
}

Dims reduced_shape(const Dims& shape, std::uint32_t axes, bool keepdims) {
  Dims result;
  for (int i = 0; i < shape.rank(); i++) {
    const bool gone = axes >> i & 1;
    if (!gone) result.push_back(shape[i]);
    if (gone && keepdims) result.push_back(1);
  }
  return result;
}

Index elements_each(const Dims& shape, std::uint32_t axes) {
  Index n = 1;
  for (int i = 0; i < shape.rank(); i++) n *= axes >> i & 1 ? shape[i] : 1;
  return n;
}

}  // namespace rw
