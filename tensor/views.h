// Other shapes for the same numbers. Nothing is copied, except by `contiguous`, `flip`, and by
// `reshape` where no strides can say the new shape. All but these two work on tensors of which only
// the shape is known, without touching a number.
//
// Axes and positions may be negative: they count from the end. What lies outside throws IndexError;
// nothing is clipped.
#pragma once

#include <limits>
#include <vector>

#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {

// As the stop of a slice: the end of the axis.
inline constexpr Index kEnd = std::numeric_limits<Index>::max();

// In the operations every axis and position counts from 0; the functions below them turn what a
// caller wrote into that.

struct Reshape {
  Dims shape;
  static constexpr std::string_view name = "reshape";
  Tensor view(const Tensor& x) const;
};

// Axis i of the result is axis order[i] of x.
struct Permute {
  Dims order;
  static constexpr std::string_view name = "permute";
  Tensor view(const Tensor& x) const;
};

struct Expand {
  Dims shape;
  static constexpr std::string_view name = "expand";
  Tensor view(const Tensor& x) const;
};

// Positions start, start + step, ... below stop, along one axis. 0 <= start <= stop <= the size.
struct Slice {
  Index axis, start, stop, step;
  static constexpr std::string_view name = "slice";
  Tensor view(const Tensor& x) const;
  Index count() const { return start == stop ? 0 : (stop - start - 1) / step + 1; }
};

struct Select {
  Index axis, position;
  static constexpr std::string_view name = "select";
  Tensor view(const Tensor& x) const;
};

struct Contiguous {
  static constexpr std::string_view name = "contiguous";
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const;
};

struct Flip {
  Dims axes;
  static constexpr std::string_view name = "flip";
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

// The same elements in the same order under another shape. One size may be -1: what remains.
Tensor reshape(const Tensor& x, std::initializer_list<Index> shape);
Tensor reshape(const Tensor& x, std::span<const Index> shape);

Tensor permute(const Tensor& x, std::initializer_list<Index> order);
Tensor permute(const Tensor& x, std::span<const Index> order);

// Exchanges two axes; without arguments those of a matrix.
Tensor transpose(const Tensor& x, Index a = -2, Index b = -1);

// Repeats axes of size 1, and new axes in front, by NumPy's broadcasting.
Tensor expand(const Tensor& x, const Dims& shape);

// Without one axis, which must have size 1, or without all that have.
Tensor squeeze(const Tensor& x, Index axis);
Tensor squeeze(const Tensor& x);

// With a new axis of size 1 at this place of the result.
Tensor unsqueeze(const Tensor& x, Index axis);

// Positions start, start + step, ... below stop, along an axis. step >= 1; for the reverse, flip.
// start == stop gives an empty slice, start > stop throws.
Tensor slice(const Tensor& x, Index axis, Index start, Index stop, Index step = 1);

// One position along an axis; the result has one axis less. x[t] is select(x, 0, t).
Tensor select(const Tensor& x, Index axis, Index position);

// Consecutive slices along an axis: pieces of `size` each, the last one shorter when they do not
// fill the axis, or pieces of these sizes, which must.
std::vector<Tensor> split(const Tensor& x, Index size, Index axis = -1);
std::vector<Tensor> split(const Tensor& x, std::initializer_list<Index> sizes, Index axis = -1);
std::vector<Tensor> split(const Tensor& x, std::span<const Index> sizes, Index axis = -1);

// Backwards along these axes.
Tensor flip(const Tensor& x, std::initializer_list<Index> axes);
Tensor flip(const Tensor& x, std::span<const Index> axes);

// x itself when its elements lie row after row, else a copy whose elements do.
Tensor contiguous(const Tensor& x);

}  // namespace rw
