#include "rewind/autograd/engine/run/row_schedule.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "rewind/tensor/creation.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

// The bytes of one row of a tensor whose rows lie one after the other.
std::size_t row_bytes(const Tensor& x) {
  return static_cast<std::size_t>(x.shape().without(0).count() * bytes_of(x.dtype()));
}

// The shape with its first axis, rows * each, as two.
Dims parted(const Dims& shape, Index rows, Index each) {
  return shape.without(0).with_front(each).with_front(rows);
}

// Whether the rows of all steps, [time, rows, ...], can be seen as those of one.
bool steps_follow_each_other(const Tensor& x) {
  const Strides strides = x.strides();
  return x.dim(0) == 1 || strides[0] == x.dim(1) * strides[1];
}

// The rows along an axis, each of them maybe several entries, taken in another order.
Tensor taken(const Tensor& x, int axis, const std::vector<Index>& rows) {
  const Index count = std::ssize(rows);
  const Tensor first = transpose(x, 0, axis);
  const Tensor apart = reshape(first, parted(first.shape(), count, first.dim(0) / count));
  const Tensor all = take(apart, from_span(rows, {count}));
  return transpose(reshape(all, first.shape()), 0, axis);
}

}  // namespace

RowSchedule::RowSchedule(Index time, const std::vector<Index>& lengths)
    : time_(time), batch_(std::ssize(lengths)), total_(0) {
  if (std::all_of(lengths.begin(), lengths.end(), [&](Index n) { return n == time; })) {
    total_ = time * batch_;
    return;
  }
  order_.resize(lengths.size());
  std::iota(order_.begin(), order_.end(), Index{0});
  std::stable_sort(order_.begin(), order_.end(),
                   [&](Index a, Index b) { return lengths[at(a)] > lengths[at(b)]; });
  Index rows = batch_;
  for (Index t = 0; t < time; t++) {
    first_.push_back(total_);
    while (rows > 0 && lengths[at(order_[at(rows - 1)])] <= t) rows--;
    total_ += rows;
  }
  first_.push_back(total_);
}

Index RowSchedule::busy_steps() const {
  Index t = time_;
  while (t > 0 && rows_at(t - 1) == 0) t--;
  return t;
}

RowSchedule RowSchedule::part(Index begin, Index end) const {
  if (whole()) return RowSchedule(end - begin, batch_);
  std::vector<Index> lengths(order_.size(), 0);
  for (Index t = begin; t < end; t++) {
    for (Index r = 0; r < rows_at(t); r++) lengths[at(order_[at(r)])]++;
  }
  return RowSchedule(end - begin, lengths);
}

RowSchedule RowSchedule::stretch(Index begin, Index end) const {
  RowSchedule result(end - begin, batch_);
  if (whole()) return result;
  result.order_ = order_;
  for (Index t = begin; t <= end; t++) result.first_.push_back(first_[at(t)] - first_[at(begin)]);
  result.total_ = result.first_.back();
  return result;
}

Tensor RowSchedule::active() const {
  Tensor result = Tensor::uninitialized({{time_, batch_}, boolean});
  bool* const counts = output_data<bool>(result);
  std::fill_n(counts, result.size(), false);
  for_each_row([&](Index, Index, Index row) { counts[row] = true; });
  return result;
}

Tensor RowSchedule::sorted(const Tensor& x, int axis) const {
  return whole() ? x : taken(x, axis, order_);
}

Tensor RowSchedule::unsorted(const Tensor& x, int axis) const {
  if (whole()) return x;
  std::vector<Index> place(order_.size());
  for (std::size_t i = 0; i < order_.size(); i++) place[at(order_[i])] = static_cast<Index>(i);
  return taken(x, axis, place);
}

template <class F>
void RowSchedule::for_each_row(F f) const {
  for (Index t = 0; t < time_; t++) {
    for (Index r = 0; r < rows_at(t); r++) f(first_row(t) + r, r, t * batch_ + order_[at(r)]);
  }
}

Tensor RowSchedule::packed(const Tensor& x) const {
  const Tensor from = contiguous(x);
  Tensor result = Tensor::uninitialized({x.shape().with(0, total_), x.dtype()});
  const std::size_t size = row_bytes(x);
  for_each_row([&](Index to, Index, Index row) {
    std::memcpy(OutputAccess::bytes(result) + at(to) * size,
                OutputAccess::bytes(from) + at(row) * size, size);
  });
  return result;
}

Tensor RowSchedule::unpacked(const Tensor& x) const {
  const Tensor from = contiguous(x);
  Tensor result = zeros(x.shape().with(0, time_ * batch_), x.dtype());
  const std::size_t size = row_bytes(x);
  for_each_row([&](Index row, Index, Index to) {
    std::memcpy(OutputAccess::bytes(result) + at(to) * size,
                OutputAccess::bytes(from) + at(row) * size, size);
  });
  return result;
}

Tensor RowSchedule::together(const Tensor& x, int axis) const {
  if (whole() && axis == 0 && steps_follow_each_other(x)) {
    Strides strides{};
    const Strides own = x.strides();
    std::copy(own.begin() + 1, own.end(), strides.begin());
    return x.view(x.shape().without(0).with(0, x.dim(0) * x.dim(1)), strides, 0);
  }
  Dims order, shape;
  for (int i = 1; i < x.rank(); i++) {
    if (i == axis + 1) order.push_back(0);
    order.push_back(i);
    shape.push_back(i == axis + 1 ? time_ * x.shape()[i] : x.shape()[i]);
  }
  const Tensor all = reshape(permute(x, order), shape);
  if (whole()) return all;
  const Tensor first = transpose(all, 0, axis);
  const Index each = first.dim(0) / (time_ * batch_);
  const Tensor counting = packed(reshape(first, parted(first.shape(), time_ * batch_, each)));
  return transpose(reshape(counting, first.shape().with(0, total_ * each)), 0, axis);
}

Tensor RowSchedule::over_time(const Tensor& rows, int axis, const Dims& shape) const {
  if (whole() && axis == 0) {
    const Strides own = rows.strides();
    Strides strides{};
    std::copy(own.begin(), own.end() - 1, strides.begin() + 1);
    strides[0] = shape[0] * own[0];
    return rows.view(shape.with_front(time_), strides, 0);
  }
  const Tensor first = transpose(rows, 0, axis);
  const Index each = shape[axis] / batch_;
  const Tensor all =
      whole() ? first : unpacked(reshape(first, parted(first.shape(), total_, each)));
  Dims steps = first.shape().with_front(time_);
  steps.set(1, shape[axis]);
  return transpose(reshape(all, steps), 1, axis + 1);
}

Tensor RowSchedule::repeated(const Tensor& x, int axis) const {
  if (whole()) return contiguous(expand(x, x.shape().with_front(time_)));
  const Tensor from = contiguous(transpose(x, 0, axis));
  Tensor result = zeros(from.shape().with_front(time_), x.dtype());
  const auto size = static_cast<std::size_t>(from.size() / batch_ * bytes_of(x.dtype()));
  for_each_row([&](Index, Index row, Index to) {
    std::memcpy(OutputAccess::bytes(result) + at(to) * size,
                OutputAccess::bytes(from) + at(row) * size, size);
  });
  return transpose(result, 1, axis + 1);
}

}  // namespace rw::engine
