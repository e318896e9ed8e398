#include "rewind/tensor/blocks.h"

#include <cstring>

#include "rewind/tensor/strided.h"
#include "rewind/tensor/wrapping.h"

namespace rw {
namespace {

// A walk over two operands, its axes merged where both go on without a gap: most copies become a
// few long rows.
struct Walk {
  Dims shape;
  std::array<Strides, 2> strides{};
};

Walk merged(const Dims& shape, const Strides& a, const Strides& b) {
  Walk walk;
  for (int i = 0; i < shape.rank(); i++) {
    if (shape[i] == 1) continue;
    const auto from = static_cast<std::size_t>(i);
    const int last = walk.shape.rank() - 1;
    const auto to = static_cast<std::size_t>(last);
    if (last >= 0 && walk.strides[0][to] == a[from] * shape[i] &&
        walk.strides[1][to] == b[from] * shape[i]) {
      walk.shape.set(last, walk.shape[last] * shape[i]);
      walk.strides[0][to] = a[from];
      walk.strides[1][to] = b[from];
    } else {
      walk.shape.push_back(shape[i]);
      walk.strides[0][to + 1] = a[from];
      walk.strides[1][to + 1] = b[from];
    }
  }
  return walk;
}

// Calls row(from, to, length, step of from, step of to) for each row of the walk.
template <class T, class Row>
void walk_rows(const Tensor& x, const T* from, Tensor& y, const Block& block, Row row) {
  if (x.size() == 0) return;
  const Walk walk = merged(block.shape, x.strides(), block.strides);
  T* to = output_data<T>(y) + block.offset;
  const auto last = static_cast<std::size_t>(std::max(walk.shape.rank() - 1, 0));
  const Index length = length_of_row(walk.shape);
  share_rows<2>(walk.shape, walk.strides, [&](Index, const std::array<Index, 2>& offset) {
    row(from + offset[0], to + offset[1], length, walk.strides[0][last], walk.strides[1][last]);
  });
}

}  // namespace

Block whole_block(const Dims& shape) { return {shape, contiguous_strides(shape), 0}; }

Block narrowed(const Block& block, int axis, Index start, Index count, Index step) {
  const auto a = static_cast<std::size_t>(axis);
  Block result = block;
  result.shape.set(axis, count);
  result.offset += start * block.strides[a];
  if (count > 1) result.strides[a] *= step;  // the step from a single position may be any
  return result;
}

void copy_into(const Tensor& x, Tensor& y, const Block& block) {
  dispatch_any(x.dtype(), [&](auto v) {
    using T = decltype(v);
    walk_rows(x, x.data<T>(), y, block,
              [](const T* from, T* to, Index length, Index step_from, Index step_to) {
                if (step_from == 1 && step_to == 1) {
                  std::memcpy(to, from, static_cast<std::size_t>(length) * sizeof(T));
                } else {
                  for (Index i = 0; i < length; i++) to[i * step_to] = from[i * step_from];
                }
              });
  });
}

void add_into(const Tensor& x, Tensor& y, const Block& block) {
  dispatch_number("add", x.dtype(), [&](auto v) {
    using T = decltype(v);
    walk_rows(x, x.data<T>(), y, block,
              [](const T* from, T* to, Index length, Index step_from, Index step_to) {
                const auto add = [](T a, T b) { return wrapped(std::plus<>(), a, b); };
                if (step_from == 1 && step_to == 1) {
                  for (Index i = 0; i < length; i++) to[i] = add(to[i], from[i]);
                } else {
                  for (Index i = 0; i < length; i++) {
                    to[i * step_to] = add(to[i * step_to], from[i * step_from]);
                  }
                }
              });
  });
}

Tensor row_major(const Tensor& x) {
  if (x.contiguous()) return x;
  Tensor y = Tensor::uninitialized(x.spec());
  copy_elements(x, y);
  return y;
}

}  // namespace rw
