#include "rewind/tensor/joining.h"

#include "rewind/tensor/blocks.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/takes.h"
#include "rewind/tensor/views.h"

namespace rw {
namespace {

const Tensor& first_of(std::string_view op, std::span<const Tensor> tensors) {
  require<ShapeError>(!tensors.empty(), "{}: no tensors; at least one is needed", op);
  return tensors.front();
}

}  // namespace

Spec Concat::infer(Specs in) const {
  const int a = static_cast<int>(axis);
  const Spec& first = in[0];
  Index sum = 0;
  for (int i = 0; i < in.size(); i++) {
    const bool fits = in[i].rank() == first.rank() &&
                      in[i].shape.with(a, 0) == first.shape.with(a, 0) &&
                      !__builtin_add_overflow(sum, in[i].shape[a], &sum);
    require<ShapeError>(fits,
                        "concat: {} and {} do not fit together along axis {}; all other "
                        "sizes must be equal",
                        first, in[i], axis);
    require<DtypeError>(in[i].dtype == first.dtype,
                        "concat: dtypes differ, {} and {}; convert one with to(x, dtype)", first,
                        in[i]);
  }
  return first.with_shape(first.shape.with(a, sum));
}

void Concat::run(Inputs in, Tensor& y) const {
  const int a = static_cast<int>(axis);
  const Block whole = whole_block(y.shape());
  Index start = 0;
  for (int i = 0; i < in.size(); i++) {
    const Index size = in[i].shape()[a];
    copy_into(in[i], y, narrowed(whole, a, start, size));
    start += size;
  }
}

Spec Stack::infer(Specs in) const {
  const Spec& first = in[0];
  for (int i = 0; i < in.size(); i++) {
    require<ShapeError>(in[i].shape == first.shape, "stack: shapes differ, {} and {}", first,
                        in[i]);
    require<DtypeError>(in[i].dtype == first.dtype,
                        "stack: dtypes differ, {} and {}; convert one with to(x, dtype)", first,
                        in[i]);
  }
  Dims shape;
  for (int i = 0; i <= first.rank(); i++) {
    if (i == axis) shape.push_back(in.size());
    if (i < first.rank()) shape.push_back(first.dim(i));
  }
  return first.with_shape(shape);
}

void Stack::run(Inputs in, Tensor& y) const {
  const Strides outer = contiguous_strides(y.shape());
  Block block{in[0].shape()};
  for (int i = 0; i < block.shape.rank(); i++) {
    block.strides[static_cast<std::size_t>(i)] = outer[static_cast<std::size_t>(i + (i >= axis))];
  }
  for (int i = 0; i < in.size(); i++) {
    copy_into(in[i], y, block);
    block.offset += outer[static_cast<std::size_t>(axis)];
  }
}

Spec Pad::infer(const Spec& x) const {
  Dims shape;
  for (int i = 0; i < x.rank(); i++) {
    Index size = 0;
    require<ShapeError>(!__builtin_add_overflow(before[i], x.dim(i), &size) &&
                            !__builtin_add_overflow(size, after[i], &size),
                        "pad: axis {} of {} with {} before and {} after it overflows", i, x,
                        before[i], after[i]);
    shape.push_back(size);
  }
  takes_element(name, value, x);
  return x.with_shape(shape);
}

void Pad::run(const Tensor& x, Tensor& y) const {
  Full{y.shape(), y.dtype(), value}.run(y);
  Block block = whole_block(y.shape());
  for (int i = 0; i < x.rank(); i++) block = narrowed(block, i, before[i], x.shape()[i]);
  copy_into(x, y, block);
}

Tensor concat(std::span<const Tensor> tensors, Index axis) {
  const int rank = first_of("concat", tensors).rank();
  return rw::apply(Concat{axis_of("concat", axis, rank)}, tensors);
}

Tensor concat(std::initializer_list<Tensor> tensors, Index axis) {
  return concat(std::span(tensors.begin(), tensors.size()), axis);
}

Tensor stack(std::span<const Tensor> tensors, Index axis) {
  const int rank = first_of("stack", tensors).rank();
  return rw::apply(Stack{axis_of("stack", axis, rank + 1)}, tensors);
}

Tensor stack(std::initializer_list<Tensor> tensors, Index axis) {
  return stack(std::span(tensors.begin(), tensors.size()), axis);
}

Tensor pad(const Tensor& x, std::initializer_list<Border> borders, Scalar value) {
  return pad(x, std::span<const Border>(borders.begin(), borders.size()), value);
}

Tensor pad(const Tensor& x, std::span<const Border> borders, Scalar value) {
  require<ShapeError>(std::ssize(borders) == x.rank(),
                      "pad: {} borders for {}; give {{before, after}} for each axis",
                      borders.size(), x.spec());
  Pad op{{}, {}, value.value};
  for (const Border& b : borders) {
    require(b.before >= 0 && b.after >= 0,
            "pad: a border of {} before and {} after axis {}; to cut, use slice", b.before, b.after,
            op.before.rank());
    op.before.push_back(b.before);
    op.after.push_back(b.after);
  }
  return apply(op, x);
}

Tensor repeat(const Tensor& x, const Dims& counts) {
  const int rank = std::max(x.rank(), counts.rank());
  Dims shape;
  for (int i = rank; i > 0; i--) shape.push_back(i > x.rank() ? 1 : x.shape()[x.rank() - i]);
  Tensor y = x.rank() == rank ? x : reshape(x, shape);
  // One axis at a time: between what is in front of it and the rest, a new axis is stretched.
  for (int axis = rank - 1; axis >= 0; axis--) {
    const int i = axis - (rank - counts.rank());
    const Index count = i < 0 ? 1 : counts[i];
    if (count == 1) continue;
    Dims front;
    for (int k = 0; k < axis; k++) front.push_back(shape[k]);
    const Index outer = front.count();
    const Index inner = shape.count() / std::max<Index>(outer, 1);
    Index size = 0;
    require<ShapeError>(!__builtin_mul_overflow(shape[axis], count, &size),
                        "repeat: {} repeated {} times overflows", x.spec(), counts);
    shape.set(axis, size);
    y = reshape(expand(reshape(y, {outer, 1, inner}), {outer, count, inner}), shape);
  }
  return y;
}

}  // namespace rw
