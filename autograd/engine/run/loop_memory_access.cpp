// Where a step finds numbers in the memory of a loop, and what is read there afterwards.
#include <cstring>
#include <utility>

#include "rewind/autograd/engine/run/loop_memory.h"
#include "rewind/autograd/engine/run/row_copy.h"
#include "rewind/tensor/blocks.h"
#include "rewind/tensor/views.h"

namespace rw::engine {

Tensor copy_of(const Tensor& x) {
  Tensor copy = Tensor::uninitialized(x.spec());
  copy_elements(x, copy);
  return copy;
}

bool LoopMemory::copies_states() const {
  const auto copied = [](const HandOver& over) { return over.kind == HandOver::copied; };
  return !program_.states.empty() &&
         (!in_.rows.whole() || std::any_of(program_.states.begin(), program_.states.end(), copied));
}

void LoopMemory::hand_over_states(Index t, Index begin, Index end) const {
  for (std::size_t k = 0; k < program_.states.size(); k++) {
    if (in_.rows.whole() && program_.states[k].kind != HandOver::copied) continue;
    const int state = state_buffer(k);
    copy_rows(program_.states[k].next, {state, 0}, buffer(state).width, t, begin, end);
  }
}

Index LoopMemory::first_element(int number, Index t) const {
  const Bound& b = bound_[at(number)];
  if (!b.several_steps) return 0;
  return buffer(number).rows ? (in_.rows.first_row(t) - in_.rows.first_row(b.first_step)) * b.row
                             : (t - b.first_step) * b.step;
}

std::byte* LoopMemory::address(Place place, Index t, Index row) const {
  const Bound& b = bound_[at(place.buffer)];
  const Index element = first_element(place.buffer, t) + row * b.row + place.column;
  return memory_at(b, t) + element * bytes_of(buffer(place.buffer).dtype);
}

std::byte* LoopMemory::memory_at(const Bound& b, Index t) const {
  const Index k = in_.reverse ? in_.rows.time() - 1 - t : t;
  return b.other && k % 2 == 1 ? b.other : b.data;
}

Track LoopMemory::track(Place place, bool by_row) const {
  const Bound& b = bound_[at(place.buffer)];
  const Index item = bytes_of(buffer(place.buffer).dtype);
  Track track{Track::nothing, {&b.data, b.other ? &b.other : &b.data}, place.column * item, 0};
  if (buffer(place.buffer).rows) {
    track.move = b.row * item;
    track.by = b.several_steps ? (by_row ? Track::row_of_all_steps : Track::first_row_of_step)
                               : (by_row ? Track::row : Track::nothing);
    if (b.several_steps) track.offset -= in_.rows.first_row(b.first_step) * track.move;
  } else if (b.several_steps) {
    track.move = b.step * item;
    track.by = Track::step;
    track.offset -= b.first_step * track.move;
  }
  return track;
}

void LoopMemory::copy_rows(Place from, Place to, Index columns, Index t, Index begin,
                           Index end) const {
  const Index item = bytes_of(buffer(to.buffer).dtype);
  const Index step = row_step(from.buffer, columns) * item;
  const bool rows = buffer(to.buffer).rows;
  const Index first = rows ? begin : 0;
  RowCopy{.from = address(from, t, 0) + first * step,
          .to = address(to, t, first),
          .from_step = step,
          .to_step = row_step(to.buffer) * item,
          .bytes = columns * item,
          .rows = rows ? end - begin : 1}
      .run();
}

void LoopMemory::fill(Place to, Index t, Index row, const Tensor& x) const {
  const auto bytes = static_cast<std::size_t>(x.size() * bytes_of(x.dtype()));
  std::memcpy(address(to, t, row), OutputAccess::bytes(x), bytes);
}

Tensor LoopMemory::value_at(ValueId value, Index t, RowRange rows) const {
  return merged(value, view_at(value, t, rows));
}

Tensor LoopMemory::merged(ValueId value, const Tensor& view) const {
  const Dims& shape = spec(value).shape;
  if (view.rank() == shape.rank()) return view;
  return reshape(view, shape.with(0, view.dim(0) * view.dim(1)));
}

Tensor LoopMemory::view_at(ValueId value, Index t, RowRange rows) const {
  const Place place = *program_.place(value);
  const Bound& b = bound_[at(place.buffer)];
  const Buffer& own = buffer(place.buffer);
  const int axis = program_.rows.axis_of(value);
  const auto rows_from = [&](Index first) {
    const Index each = each_of(own);
    return slice(b.tensor, axis, (first + rows.begin) * each, (first + rows.end) * each);
  };
  const bool is_own = own.value == value;
  if (is_own && own.kind == Buffer::made) {
    return axis == Rows::kNone || !keeps_made_ ? b.tensor : rows_from(0);
  }
  if (is_own && own.kind == Buffer::constant) {
    return axis == Rows::kNone ? b.tensor : rows_from(0);
  }
  if (own.kind == Buffer::input && axis > 0) {
    return rows_from(in_.rows.first_row(t) - in_.rows.first_row(b.first_step));
  }
  const Index offset = first_element(place.buffer, t) + place.column;
  const Tensor& memory = memory_at(b, t) == b.data ? b.tensor : partner_of(place.buffer);
  if (own.rows) return rows_of(value, memory, b.row, rows.count(), offset + rows.begin * b.row);
  const Dims& shape = spec(value).shape;
  return memory.view(shape, contiguous_strides(shape), offset);
}

// The buffer with which one exchanges its memory.
const Tensor& LoopMemory::partner_of(int number) const {
  for (std::size_t k = 0; k < program_.states.size(); k++) {
    if (program_.states[k].kind != HandOver::exchanged) continue;
    const int next = program_.states[k].next.buffer, state = state_buffer(k);
    if (next == number) return bound_[at(state)].tensor;
    if (state == number) return bound_[at(next)].tensor;
  }
  return bound_[at(number)].tensor;
}

void LoopMemory::set_made(ValueId value, const Tensor& x, RowRange rows) {
  Bound& b = bound_[at(program_.place(value)->buffer)];
  if (keeps_made_) {
    // Who shares rows has them first (compile/rows_apart.h).
    const Index each = program_.rows.each_of(value);
    const Block whole = whole_block(b.tensor.shape());
    return copy_into(x, b.tensor, narrowed(whole, 0, rows.begin * each, rows.count() * each));
  }
  // A kernel may give what it was given, or a view of it: memory that is written to again while the
  // result is still to be read.
  b.tensor = x.alone() ? contiguous(x) : copy_of(x);
  b.find_data();
}

void LoopMemory::keep_made() {
  if (std::exchange(keeps_made_, true)) return;
  for (std::size_t i = 0; i < bound_.size(); i++) {
    const Buffer& buffer = program_.buffers[i];
    if (buffer.kind != Buffer::made) continue;
    bound_[i].tensor = Tensor::uninitialized(spec(buffer.value));
    bound_[i].find_data();
  }
}

// So many rows of the batch, along the first axis of a value, as `view_at` gives them.
Tensor LoopMemory::rows_of(ValueId value, const Tensor& memory, Index row_step, Index rows,
                           Index offset) const {
  const Dims& shape = spec(value).shape;
  const Index each = program_.rows.each_of(value);
  if (each == 1) {
    Strides strides = contiguous_strides(shape);
    strides[0] = row_step;
    return memory.view(shape.with(0, rows), strides, offset);
  }
  const Dims parted = shape.without(0).with_front(each).with_front(rows);
  Strides strides = contiguous_strides(parted);
  strides[0] = row_step;
  return memory.view(parted, strides, offset);
}

Tensor LoopMemory::last_state(std::size_t state) const {
  const Spec& own = spec(program_.step.states[state]);
  const Index time = in_.rows.time();
  const int number = program_.states[state].next.buffer;
  const Bound& next = bound_[at(number)];
  const Bound& before = bound_[at(state_buffer(state))];
  if (chained(state) && time > 0) {
    // A copy: whoever holds the last state should not hold all of them.
    const Dims rows{program_.rows.batch, next.row};
    const Index last = first_element(number, in_.reverse ? 0 : time - 1);
    return reshape(copy_of(next.tensor.view(rows, {next.row, 1}, last)), own.shape);
  }
  const bool exchanged = hands_over(state, HandOver::exchanged) && time % 2 == 1;
  return reshape(in_.rows.unsorted(exchanged ? next.tensor : before.tensor, 0), own.shape);
}

Tensor LoopMemory::stack(ValueId value, Stretch steps) const {
  const Place place = *program_.stacks[at(value)];
  const Bound& b = bound_[at(place.buffer)];
  const int axis = program_.rows.axis_of(value);
  const Index rows = in_.rows.first_row(steps.end) - in_.rows.first_row(steps.begin);
  const Index first = first_element(place.buffer, steps.begin) + place.column;
  if (axis == 0) return merged(value, rows_of(value, b.tensor, b.row, rows, first));
  const Dims& shape = spec(value).shape;
  if (axis != Rows::kNone) {
    Dims turned = shape;  // the rows' axis in front
    turned.set(axis, shape[0]);
    turned.set(0, rows * program_.rows.each_of(value));
    return transpose(b.tensor.view(turned, contiguous_strides(turned), first), 0, axis);
  }
  const Dims with_time = shape.with_front(steps.steps());
  Strides strides = contiguous_strides(with_time);
  strides[0] = b.step;
  return b.tensor.view(with_time, strides, first);
}

}  // namespace rw::engine
