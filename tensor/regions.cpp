#include "rewind/tensor/regions.h"

#include "rewind/tensor/blocks.h"
#include "rewind/tensor/takes.h"

namespace rw {
namespace {

// A value as it stands in a region of this shape.
Tensor filling(const Tensor& value, const Dims& shape, const Spec& x) {
  if (value.shape() == shape) return value;
  require<ShapeError>(broadcasts_to(value.shape(), shape),
                      "set: {} does not fill a region {} of {}", value.spec(), shape, x);
  return expand(value, shape);
}

}  // namespace

Region::Region(std::initializer_list<Entry> entries) : entries_(entries) {}
Region::Region(std::span<const Entry> entries) : entries_(entries.begin(), entries.end()) {}

Dims SetRegion::shape() const {
  Dims shape;
  for (int i = 0; i < counts.rank(); i++) {
    if (!(dropped >> i & 1)) shape.push_back(counts[i]);
  }
  return shape;
}

Spec SetRegion::infer(const Spec& x, const Spec& value) const {
  bool inside = counts.rank() == x.rank();
  for (int i = 0; inside && i < x.rank(); i++) {
    inside = counts[i] == 0 || (starts[i] < x.dim(i) && steps[i] >= 1 &&
                                counts[i] - 1 <= (x.dim(i) - 1 - starts[i]) / steps[i]);
  }
  require<IndexError>(inside, "set: {} positions from {} in steps of {} are no region of {}",
                      counts, starts, steps, x);
  require<ShapeError>(value.shape == shape(), "set: {} does not fill a region {} of {}", value,
                      shape(), x);
  require<DtypeError>(value.dtype == x.dtype,
                      "set: {} cannot be put into {}; convert it with to(x, dtype)", value, x);
  return x;
}

void SetRegion::run(const Tensor& /*x*/, const Tensor& value, Tensor& y) const {
  const Block whole = whole_block(y.shape());
  Block block;
  block.offset = 0;
  for (int i = 0; i < y.rank(); i++) {
    const auto stride = whole.strides[static_cast<std::size_t>(i)];
    block.offset += starts[i] * stride;
    if (dropped >> i & 1) continue;
    block.strides[static_cast<std::size_t>(block.shape.rank())] =
        counts[i] > 1 ? stride * steps[i] : stride;
    block.shape.push_back(counts[i]);
  }
  copy_into(value, y, block);
}

Tensor SetRegion::part(const Tensor& x) const {
  Tensor y = x;
  for (int i = x.rank(); i-- > 0;) {
    const Index start = starts[i];
    if (dropped >> i & 1) {
      y = apply(Select{i, start}, y);
    } else if (counts[i] != x.shape()[i]) {
      const Index stop = counts[i] == 0 ? start : start + (counts[i] - 1) * steps[i] + 1;
      y = apply(Slice{i, start, stop, steps[i]}, y);
    }
  }
  return y;
}

SetRegion resolve(std::string_view op, const Region& region, const Spec& x) {
  const auto entries = region.entries();
  require<IndexError>(std::ssize(entries) <= x.rank(), "{}: a region of {} axes in {}", op,
                      entries.size(), x);
  SetRegion result{{}, {}, {}, 0};
  for (int i = 0; i < x.rank(); i++) {
    const Index size = x.dim(i);
    const bool named = i < std::ssize(entries);
    const Range range = named ? entries[static_cast<std::size_t>(i)].range : kAll;
    Index start = range.start < 0 ? range.start + size : range.start;
    Index count = 1;
    if (named && entries[static_cast<std::size_t>(i)].drops) {
      require<IndexError>(start >= 0 && start < size, "{}: position {} is outside axis {} of {}",
                          op, range.start, i, x);
      result.dropped = result.dropped | 1u << i;
    } else {
      const Index stop = range.stop == kEnd ? size
                         : range.stop < 0   ? range.stop + size
                                            : range.stop;
      require(range.step >= 1, "{}: step {} on axis {} is not positive", op, range.step, i);
      require<IndexError>(start >= 0 && start <= stop && stop <= size,
                          "{}: {}:{} is no part of axis {} of {}", op, range.start,
                          range.stop == kEnd ? "" : std::to_string(range.stop), i, x);
      count = Slice{i, start, stop, range.step}.count();
    }
    result.starts.push_back(start);
    result.counts.push_back(count);
    result.steps.push_back(range.step);
  }
  return result;
}

Spec SliceAdd::infer(const Spec& into, const Spec& d) const {
  const int a = static_cast<int>(axis);
  require<IndexError>(axis >= 0 && axis < into.rank() && step >= 1 && start >= 0 && start <= stop &&
                          stop <= into.dim(a),
                      "slice_add: {}:{} with step {} is no part of axis {} of {}", start, stop,
                      step, axis, into);
  const Dims shape = into.shape.with(a, Slice{axis, start, stop, step}.count());
  require<ShapeError>(d.shape == shape, "slice_add: {} has not the shape {} of the slice of {}", d,
                      shape, into);
  require<DtypeError>(d.dtype == into.dtype, "slice_add: dtypes differ, {} and {}", into, d);
  return takes_numbers(name, into);
}

void SliceAdd::run(const Tensor& /*into*/, const Tensor& d, Tensor& y) const {
  const int a = static_cast<int>(axis);
  add_into(d, y, narrowed(whole_block(y.shape()), a, start, d.shape()[a], step));
}

Tensor part(const Tensor& x, const Region& region) {
  return resolve("part", region, x.spec()).part(x);
}

Tensor slice_add(Tensor into, const Tensor& d, Index axis, Index start, Index stop, Index step) {
  return apply(SliceAdd{axis, start, stop, step}, std::move(into), d);
}

void Tensor::set(const Region& region, const Tensor& value) & {
  const SetRegion op = resolve("set", region, spec());
  const Tensor whole = filling(value, op.shape(), spec());
  *this = apply(op, std::move(*this), whole);
}

void Tensor::set(const Region& region, Scalar value) & {
  set(region, scalar_beside("set", value, *this));
}

}  // namespace rw
