// Tensors put together: side by side, on a new axis, with a border, or repeated.
#pragma once

#include "rewind/tensor/arithmetic.h"

namespace [[gnu::visibility("default")]] rw {

// `axis` counts from 0 in the operations.

struct Concat {
  Index axis;
  static constexpr std::string_view name = "concat";
  Spec infer(Specs in) const;
  void run(Inputs in, Tensor& y) const;
};

struct Stack {
  Index axis;
  static constexpr std::string_view name = "stack";
  Spec infer(Specs in) const;
  void run(Inputs in, Tensor& y) const;
};

// before[i] elements in front of axis i, after[i] behind it.
struct Pad {
  Dims before, after;
  double value;
  static constexpr std::string_view name = "pad";
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

// Side by side along an axis, by default the last one: [batch, a] and [batch, b] give
// [batch, a + b]. All other sizes and the dtypes must agree. At least one tensor.
Tensor concat(std::span<const Tensor> tensors, Index axis = -1);
Tensor concat(std::initializer_list<Tensor> tensors, Index axis = -1);

// Tensors of one shape along a new axis, at this place of the result.
Tensor stack(std::span<const Tensor> tensors, Index axis = 0);
Tensor stack(std::initializer_list<Tensor> tensors, Index axis = 0);

struct Border {
  Index before = 0, after = 0;
};

// With a border of `value` around x: one Border for each axis.
Tensor pad(const Tensor& x, std::initializer_list<Border> borders, Scalar value = 0);
Tensor pad(const Tensor& x, std::span<const Border> borders, Scalar value = 0);

// The whole of x again and again, counts[i] times along axis i, as NumPy's tile: counts are aligned
// at the last axis, and where one side is shorter it is filled up with ones in front.
Tensor repeat(const Tensor& x, const Dims& counts);

}  // namespace rw
