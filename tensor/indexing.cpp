#include "rewind/tensor/indexing.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "rewind/tensor/blocks.h"
#include "rewind/tensor/find.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/takes.h"
#include "rewind/tensor/wrapping.h"

namespace rw {
namespace {

void require_indices(std::string_view op, const Spec& indices) {
  require<DtypeError>(indices.dtype == int64, "{}: indices are {}; convert them with to(x, int64)",
                      op, indices);
}

[[noreturn]] void outside(std::string_view op, const Tensor& indices, Index n, Index size) {
  const Dims place = position_of(n, indices.shape());
  throw IndexError(fmt::format("{}: index {} at position {} is outside [0, {})", op,
                               indices.span<Index>()[static_cast<std::size_t>(n)],
                               place.rank() == 1 ? std::to_string(n) : to_string(place), size));
}

// Checked before anything is written: an updating operation must not stop half-way.
void require_inside(std::string_view op, const Tensor& indices, Index size) {
  const Index* index = indices.data<Index>();
  for (Index n = 0; n < indices.size(); n++) {
    if (index[n] < 0 || index[n] >= size) [[unlikely]]
      outside(op, indices, n, size);
  }
}

Dims row_of(const Dims& table) { return table.without(0); }

Dims joined(const Dims& a, const Dims& b) {
  Dims result = a;
  for (Index size : b) result.push_back(size);
  return result;
}

const std::byte* bytes(const Tensor& x) {
  return dispatch_any(
      x.dtype(), [&](auto v) { return reinterpret_cast<const std::byte*>(x.data<decltype(v)>()); });
}

constexpr Index kWorthAWorker = Index{1} << 17;  // elements: some 20 us, where waking takes 5

// y[indices[n]] += rows[n]. Workers take columns, so that sums have the order of the indices.
void add_each(std::string_view op, const Tensor& rows, const Tensor& numbers, Tensor& y) {
  const Tensor indices = row_major(numbers);
  require_inside(op, indices, y.shape()[0]);
  const Tensor from = row_major(rows);
  const Index length = row_of(y.shape()).count();
  dispatch_number(op, y.dtype(), [&](auto v) {
    using T = decltype(v);
    T* const sums = output_data<T>(y);
    constexpr Index kLine = 16;  // of columns: no two workers write to one
    const Index grain = (kWorthAWorker / std::max<Index>(indices.size(), 1) / kLine + 1) * kLine;
    parallel_for(length, grain, [&](Index begin, Index end) {
      const T* x = from.data<T>();
      for (const Index index : indices.span<Index>()) {
        T* const to = sums + index * length;
        for (Index i = begin; i < end; i++) to[i] = wrapped(std::plus<>(), to[i], x[i]);
        x += length;
      }
    });
  });
}

// Calls f(n, offset) with the position n of each index and the offset of the element that it names,
// along the axis, in a tensor with these strides.
template <class F>
void for_each_index(const Tensor& indices, Index axis, Strides strides, F&& f) {
  const Dims& shape = indices.shape();
  const Index along = std::exchange(strides[static_cast<std::size_t>(axis)], 0);
  const Index step = strides[static_cast<std::size_t>(shape.rank() - 1)];
  const Index* index = indices.data<Index>();
  Index n = 0;
  for_each_row<1>(shape, {strides}, [&](const std::array<Index, 1>& at) {
    for (Index i = 0; i < shape.back(); i++, n++) f(n, at[0] + i * step + index[n] * along);
  });
}

void take_strided(const Tensor& table, const Tensor& indices, Tensor& y) {
  const Strides strides = table.strides();
  Block block = whole_block(row_of(table.shape()));
  Strides inner{};
  std::copy(strides.begin() + 1, strides.end(), inner.begin());
  for (Index index : indices.span<Index>()) {
    copy_into(table.view(block.shape, inner, index * strides[0]), y, block);
    block.offset += block.shape.count();
  }
}

void require_alike(std::string_view op, const Spec& x, const Spec& index, Index axis) {
  require_indices(op, index);
  const int a = static_cast<int>(axis);
  require<ShapeError>(x.rank() == index.rank() && x.shape.with(a, 0) == index.shape.with(a, 0),
                      "{}: indices {} do not fit {}; all sizes but that of axis {} must be equal",
                      op, index.shape, x, axis);
}

}  // namespace

Spec Take::infer(const Spec& table, const Spec& indices) const {
  require_indices(name, indices);
  require<ShapeError>(table.rank() >= 1, "take: {} has no rows", table);
  return table.with_shape(joined(indices.shape, row_of(table.shape)));
}

void Take::run(const Tensor& table, const Tensor& indices, Tensor& y) const {
  const Tensor numbers = row_major(indices);
  require_inside(name, numbers, table.shape()[0]);
  if (y.size() == 0) return;
  // A copy of a strided table pays when it is read as a whole.
  const Tensor rows = numbers.size() < table.shape()[0] ? table : row_major(table);
  if (!rows.contiguous()) return take_strided(rows, numbers, y);
  const auto length =
      static_cast<std::size_t>(rows.size() / rows.shape()[0] * bytes_of(rows.dtype()));
  const std::byte* const from = bytes(rows);
  auto* const to = output_data<std::byte>(y);
  const std::span<const Index> all = numbers.span<Index>();
  const Index grain = 8 * kWorthAWorker / static_cast<Index>(length) + 1;
  parallel_for(numbers.size(), grain, [&](Index begin, Index end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); i++) {
      std::memcpy(to + i * length, from + static_cast<std::size_t>(all[i]) * length, length);
    }
  });
}

Spec TakeAdjoint::infer(const Spec& dy, const Spec& indices) const {
  require_indices(name, indices);
  bool fits = dy.rank() >= indices.rank();
  for (int i = 0; fits && i < indices.rank(); i++) fits = dy.dim(i) == indices.dim(i);
  require<ShapeError>(fits, "take_adjoint: {} does not begin with the sizes {} of its indices", dy,
                      indices.shape);
  takes_numbers(name, dy);
  Dims shape{rows};
  for (int i = indices.rank(); i < dy.rank(); i++) shape.push_back(dy.dim(i));
  return dy.with_shape(shape);
}

void TakeAdjoint::run(const Tensor& dy, const Tensor& indices, Tensor& y) const {
  std::memset(output_data<std::byte>(y), 0,
              static_cast<std::size_t>(y.size() * bytes_of(y.dtype())));
  add_each(name, dy, indices, y);
}

Spec AddRows::infer(const Spec& into, const Spec& indices, const Spec& values) const {
  require_indices(name, indices);
  require<ShapeError>(into.rank() >= 1 && values.shape == joined(indices.shape, row_of(into.shape)),
                      "add_rows: {} by the indices {} does not fit the rows of {}", values,
                      indices.shape, into);
  require<DtypeError>(values.dtype == into.dtype, "add_rows: dtypes differ, {} and {}", into,
                      values);
  return takes_numbers(name, into);
}

void AddRows::run(const Tensor& /*into*/, const Tensor& indices, const Tensor& values,
                  Tensor& y) const {
  add_each(name, values, indices, y);
}

Spec Gather::infer(const Spec& x, const Spec& index) const {
  require_alike(name, x, index, axis);
  return x.with_shape(index.shape);
}

void Gather::run(const Tensor& x, const Tensor& index, Tensor& y) const {
  const Tensor numbers = row_major(index);
  require_inside(name, numbers, x.shape()[static_cast<int>(axis)]);
  dispatch_any(x.dtype(), [&](auto v) {
    using T = decltype(v);
    const T* p = x.data<T>();
    T* q = output_data<T>(y);
    for_each_index(numbers, axis, x.strides(), [p, q](Index n, Index at) { q[n] = p[at]; });
  });
}

Spec ScatterAdd::infer(const Spec& x, const Spec& index, const Spec& source) const {
  require_alike(name, x, index, axis);
  require<ShapeError>(source.shape == index.shape,
                      "scatter_add: source {} and indices {} differ in shape", source, index.shape);
  require<DtypeError>(source.dtype == x.dtype, "scatter_add: dtypes differ, {} and {}", x, source);
  return takes_numbers(name, x);
}

void ScatterAdd::run(const Tensor& x, const Tensor& index, const Tensor& source, Tensor& y) const {
  const Tensor numbers = row_major(index);
  require_inside(name, numbers, x.shape()[static_cast<int>(axis)]);
  const Tensor from = row_major(source);
  dispatch_number(name, y.dtype(), [&](auto v) {
    using T = decltype(v);
    const T* p = from.data<T>();
    T* q = output_data<T>(y);
    for_each_index(numbers, axis, y.strides(),
                   [p, q](Index n, Index at) { q[at] = wrapped(std::plus<>(), q[at], p[n]); });
  });
}

Spec OneHot::infer(const Spec& indices) const {
  require_indices(name, indices);
  Dims shape = indices.shape;
  shape.push_back(classes);
  return {shape, dtype};
}

void OneHot::run(const Tensor& indices, Tensor& y) const {
  const Tensor numbers = row_major(indices);
  require_inside(name, numbers, classes);
  dispatch_any(dtype, [&](auto v) {
    using T = decltype(v);
    T* to = output_data<T>(y);
    std::fill_n(to, y.size(), T{});
    for (Index index : numbers.span<Index>()) {
      to[index] = static_cast<T>(1);
      to += classes;
    }
  });
}

Tensor take(const Tensor& table, const Tensor& indices) { return apply(Take{}, table, indices); }

Tensor take_adjoint(const Tensor& dy, const Tensor& indices, Index rows) {
  return apply(TakeAdjoint{rows}, dy, indices);
}

Tensor add_rows(Tensor into, const Tensor& indices, const Tensor& values) {
  return apply(AddRows{}, std::move(into), indices, values);
}

Tensor gather(const Tensor& x, Index axis, const Tensor& index) {
  return apply(Gather{axis_of("gather", axis, x.rank())}, x, index);
}

Tensor scatter_add(Tensor x, Index axis, const Tensor& index, const Tensor& source) {
  const int a = axis_of("scatter_add", axis, x.rank());
  return apply(ScatterAdd{a}, std::move(x), index, source);
}

Tensor one_hot(const Tensor& indices, Index classes, Dtype dtype) {
  return apply(OneHot{classes, dtype}, indices);
}

}  // namespace rw
