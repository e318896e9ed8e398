#include "rewind/tensor/views.h"

#include <optional>

#include "rewind/tensor/blocks.h"

namespace rw {
namespace {

constexpr std::size_t at(int axis) { return static_cast<std::size_t>(axis); }

std::string listed(std::span<const Index> numbers) {
  std::string text = "[";
  for (Index n : numbers) text += (text.size() > 1 ? ", " : "") + std::to_string(n);
  return text + "]";
}

// The strides with which x, not contiguous and not empty, shows `to`, if there are any. Axes of x
// that go on without a gap form runs; each run must be cut into axes of `to` by itself.
std::optional<Strides> strides_for(const Tensor& x, const Dims& to) {
  const Dims& from = x.shape();
  const Strides strides = x.strides();
  Strides result{};
  int next = to.rank() - 1;
  Index run = 1, filled = 1;
  Index step = strides[at(from.rank() - 1)];
  for (int i = from.rank(); i-- > 0;) {
    run *= from[i];
    if (i > 0 && (from[i - 1] == 1 || strides[at(i - 1)] == run * step)) continue;
    for (; next >= 0 && filled < run; next--) {
      result[at(next)] = filled * step;
      filled *= to[next];
    }
    if (filled != run) return std::nullopt;
    if (i > 0) step = strides[at(i - 1)];
    run = filled = 1;
  }
  return result;
}

Tensor split_into(const Tensor& x, Index axis, Index start, Index size) {
  return apply(Slice{axis, start, start + size, 1}, x);
}

}  // namespace

Tensor Reshape::view(const Tensor& x) const {
  require<ShapeError>(shape.count() == x.size(),
                      "reshape: {} has {} elements, {} has {}; give one size as -1 to have it "
                      "computed",
                      x.spec(), x.size(), shape, shape.count());
  if (!x.contiguous()) {
    if (const auto strides = strides_for(x, shape)) return x.view(shape, *strides, 0);
    if (!x.has_data()) return Tensor::shape_only({shape, x.dtype()});
  }
  return row_major(x).view(shape, contiguous_strides(shape), 0);
}

Tensor Permute::view(const Tensor& x) const {
  Dims shape;
  Strides strides{};
  const Strides own = x.strides();
  unsigned seen = 0;
  for (Index axis : order) {
    if (axis >= x.rank()) break;
    seen |= 1u << axis;
    strides[at(shape.rank())] = own[static_cast<std::size_t>(axis)];
    shape.push_back(x.shape()[static_cast<int>(axis)]);
  }
  require<ShapeError>(order.rank() == x.rank() && seen == (1u << x.rank()) - 1,
                      "permute: {} is not an order of the axes of {}; name each of its {} axes "
                      "once",
                      order, x.spec(), x.rank());
  return x.view(shape, strides, 0);
}

Tensor Expand::view(const Tensor& x) const {
  require<ShapeError>(broadcasts_to(x.shape(), shape),
                      "expand: {} does not repeat to {}; aligned at the last axis, sizes must be "
                      "equal or 1",
                      x.spec(), shape);
  return x.view(shape, broadcast_strides(x, shape), 0);
}

Tensor Slice::view(const Tensor& x) const {
  require<IndexError>(axis >= 0 && axis < x.rank() && step >= 1 && start >= 0 && start <= stop &&
                          stop <= x.shape()[static_cast<int>(axis)],
                      "slice: {}:{} with step {} is no part of axis {} of {}", start, stop, step,
                      axis, x.spec());
  const int a = static_cast<int>(axis);
  Strides strides = x.strides();
  const Index offset = start * strides[at(a)];
  if (count() > 1) strides[at(a)] *= step;
  return x.view(x.shape().with(a, count()), strides, offset);
}

Tensor Select::view(const Tensor& x) const {
  require<IndexError>(
      axis >= 0 && axis < x.rank() && position >= 0 && position < x.shape()[static_cast<int>(axis)],
      "select: position {} of axis {} is outside {}", position, axis, x.spec());
  const Strides own = x.strides();
  Dims shape;
  Strides strides{};
  for (int i = 0; i < x.rank(); i++) {
    if (i == axis) continue;
    strides[at(shape.rank())] = own[at(i)];
    shape.push_back(x.shape()[i]);
  }
  return x.view(shape, strides, position * own[static_cast<std::size_t>(axis)]);
}

void Contiguous::run(const Tensor& x, Tensor& y) const { copy_elements(x, y); }

Spec Flip::infer(const Spec& x) const {
  unsigned seen = 0;
  for (Index axis : axes) {
    require<IndexError>(axis < x.rank(), "flip: axis {} is outside {}", axis, x);
    require(!(seen >> axis & 1), "flip: axis {} is named twice in {}", axis, axes);
    seen |= 1u << axis;
  }
  return x;
}

void Flip::run(const Tensor& x, Tensor& y) const {
  if (x.size() == 0) return;
  Strides strides = x.strides();
  Index last = 0;
  for (Index axis : axes) {
    Index& stride = strides[static_cast<std::size_t>(axis)];
    last += stride * (x.shape()[static_cast<int>(axis)] - 1);
    stride = -stride;
  }
  copy_elements(x.view(x.shape(), strides, last), y);
}

Tensor reshape(const Tensor& x, std::initializer_list<Index> shape) {
  return reshape(x, std::span(shape.begin(), shape.size()));
}

Tensor reshape(const Tensor& x, std::span<const Index> shape) {
  Index known = 1;
  int open = -1;
  Dims to;
  for (Index size : shape) {
    if (size == -1) {
      require<ShapeError>(open < 0, "reshape: two sizes of {} are -1; one can be computed",
                          listed(shape));
      open = to.rank();
    }
    to.push_back(size == -1 ? 1 : size);
  }
  if (open >= 0) {
    known = to.count();
    require<ShapeError>(known > 0 && x.size() % known == 0,
                        "reshape: {} elements of {} cannot be shared out over {}", x.size(),
                        x.spec(), listed(shape));
    to.set(open, x.size() / known);
  }
  return apply(Reshape{to}, x);
}

Tensor permute(const Tensor& x, std::initializer_list<Index> order) {
  return permute(x, std::span(order.begin(), order.size()));
}

Tensor permute(const Tensor& x, std::span<const Index> order) {
  Dims axes;
  for (Index axis : order) axes.push_back(axis_of("permute", axis, x.rank()));
  return apply(Permute{axes}, x);
}

Tensor transpose(const Tensor& x, Index a, Index b) {
  const int p = axis_of("transpose", a, x.rank());
  const int q = axis_of("transpose", b, x.rank());
  Dims order;
  for (int i = 0; i < x.rank(); i++) order.push_back(i == p ? q : i == q ? p : i);
  return apply(Permute{order}, x);
}

Tensor expand(const Tensor& x, const Dims& shape) { return apply(Expand{shape}, x); }

Tensor squeeze(const Tensor& x, Index axis) {
  const int a = axis_of("squeeze", axis, x.rank());
  require<ShapeError>(x.shape()[a] == 1, "squeeze: axis {} of {} has size {}, not 1", axis,
                      x.spec(), x.shape()[a]);
  return apply(Reshape{x.shape().without(a)}, x);
}

Tensor squeeze(const Tensor& x) {
  Dims shape;
  for (Index size : x.shape()) {
    if (size != 1) shape.push_back(size);
  }
  return apply(Reshape{shape}, x);
}

Tensor unsqueeze(const Tensor& x, Index axis) {
  const int a = axis_of("unsqueeze", axis, x.rank() + 1);
  Dims shape;
  for (int i = 0; i <= x.rank(); i++) {
    if (i == a) shape.push_back(1);
    if (i < x.rank()) shape.push_back(x.shape()[i]);
  }
  return apply(Reshape{shape}, x);
}

Tensor slice(const Tensor& x, Index axis, Index start, Index stop, Index step) {
  const int a = axis_of("slice", axis, x.rank());
  const Index size = x.shape()[a];
  const Index first = start < 0 ? start + size : start;
  const Index behind = stop == kEnd ? size : stop < 0 ? stop + size : stop;
  require(step >= 1, "slice: step {} is not positive; use flip for the reverse", step);
  require<IndexError>(first >= 0 && first <= size, "slice: start {} is outside axis {} of {}",
                      start, axis, x.spec());
  require<IndexError>(behind >= 0 && behind <= size, "slice: stop {} is outside axis {} of {}",
                      stop, axis, x.spec());
  require<IndexError>(first <= behind, "slice: start {} lies behind stop {} on axis {} of {}",
                      start, stop, axis, x.spec());
  return apply(Slice{a, first, behind, step}, x);
}

Tensor select(const Tensor& x, Index axis, Index position) {
  const int a = axis_of("select", axis, x.rank());
  const Index size = x.shape()[a];
  const Index counted = position < 0 ? position + size : position;
  require<IndexError>(counted >= 0 && counted < size,
                      "select: position {} is outside axis {} of {}", position, axis, x.spec());
  return apply(Select{a, counted}, x);
}

Tensor Tensor::operator[](Index position) const { return select(*this, 0, position); }

std::vector<Tensor> split(const Tensor& x, Index size, Index axis) {
  const int a = axis_of("split", axis, x.rank());
  require(size >= 1, "split: pieces of size {} would never fill axis {} of {}", size, axis,
          x.spec());
  const Index whole = x.shape()[a];
  std::vector<Tensor> pieces;
  pieces.reserve(static_cast<std::size_t>(whole / size + 1));
  for (Index start = 0; start < whole; start += pieces.back().dim(a)) {
    pieces.push_back(split_into(x, a, start, std::min(size, whole - start)));
  }
  return pieces;
}

std::vector<Tensor> split(const Tensor& x, std::initializer_list<Index> sizes, Index axis) {
  return split(x, std::span(sizes.begin(), sizes.size()), axis);
}

std::vector<Tensor> split(const Tensor& x, std::span<const Index> sizes, Index axis) {
  const int a = axis_of("split", axis, x.rank());
  Index rest = x.shape()[a];
  bool fits = true;
  for (Index size : sizes) {
    fits = fits && size >= 0 && size <= rest;
    if (fits) rest -= size;
  }
  require<ShapeError>(fits && rest == 0, "split: sizes {} do not fill axis {} of {}", listed(sizes),
                      axis, x.spec());
  std::vector<Tensor> pieces;
  pieces.reserve(sizes.size());
  Index start = 0;
  for (Index size : sizes) {
    pieces.push_back(split_into(x, a, start, size));
    start += size;
  }
  return pieces;
}

Tensor flip(const Tensor& x, std::initializer_list<Index> axes) {
  return flip(x, std::span(axes.begin(), axes.size()));
}

Tensor flip(const Tensor& x, std::span<const Index> axes) {
  Dims counted;
  for (Index axis : axes) counted.push_back(axis_of("flip", axis, x.rank()));
  return apply(Flip{counted}, x);
}

Tensor contiguous(const Tensor& x) { return x.contiguous() ? x : apply(Contiguous{}, x); }

}  // namespace rw
