#include "rewind/autograd/engine/loop_memory.h"

#include <algorithm>
#include <cstring>

#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

// Whether a tensor's rows, of so many entries each, are consecutive numbers, wherever they lie.
bool has_contiguous_rows(const Tensor& x, Index each) {
  const Strides strides = x.strides();
  const int first = each == 1 ? 1 : 0;
  Index expected = 1;
  for (int axis = x.rank() - 1; axis >= first; axis--) {
    if (x.shape()[axis] != 1 && strides[at(axis)] != expected) return false;
    expected *= x.shape()[axis];
  }
  return true;
}

std::size_t position(const std::vector<ValueId>& values, ValueId value) {
  return static_cast<std::size_t>(std::find(values.begin(), values.end(), value) - values.begin());
}

}  // namespace

Tensor copy_of(const Tensor& x) {
  Tensor copy = Tensor::uninitialized(x.spec());
  copy_elements(x, copy);
  return copy;
}

LoopMemory::LoopMemory(const Program& program, const LoopInputs& inputs, Lifted& lifted)
    : program_(program), in_(inputs), lifted_(lifted) {
  bound_.reserve(program.buffers.size());
  for (const Buffer& buffer : program.buffers) {
    bound_.push_back(bound(buffer));
    Bound& b = bound_.back();
    if (b.tensor.defined()) b.data = OutputAccess::bytes(b.tensor);
  }
  for (std::size_t k = 0; k < program.states.size(); k++) {
    if (chained(k)) chain(k);
    if (hands_over(k, HandOver::exchanged)) exchange(k);
  }
}

// One stretch of time + 1 states: the one that the first step begins with, and what each leaves.
void LoopMemory::chain(std::size_t state) {
  const HandOver& over = program_.states[state];
  Bound& next = bound_[at(over.next.buffer)];
  const Bound& before = bound_[at(state_buffer(state))];
  const Index batch = program_.rows.batch, time = in_.rows.time(), width = next.row;
  const Tensor all = Tensor::uninitialized({{(time + 1) * batch, width}, next.tensor.dtype()});
  const auto part = [&](Index first) { return all.view({batch, width}, {width, 1}, first); };
  Tensor initial = part(in_.reverse ? time * batch * width : 0);
  copy_elements(before.tensor, initial);

  const auto stack_from = [&](Index first) {
    const Tensor stack = all.view({time * batch, width}, {width, 1}, first);
    return Bound{stack, OutputAccess::bytes(const_cast<Tensor&>(stack)), width, width, true};
  };
  const Index later = batch * width;
  const Bound entered = stack_from(in_.reverse ? later : 0);
  next = stack_from(in_.reverse ? 0 : later);
  bound_[at(state_buffer(state))] = entered;
  if (over.stack >= 0) bound_[at(over.stack)] = entered;
}

void LoopMemory::exchange(std::size_t state) {
  Bound& next = bound_[at(program_.states[state].next.buffer)];
  Bound& before = bound_[at(state_buffer(state))];
  next.other = before.data;
  before.other = next.data;
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

LoopMemory::Bound LoopMemory::bound(const Buffer& buffer) const {
  const Index batch = program_.rows.batch, rows = buffer.rows ? batch : 1;
  const Index row = buffer.rows ? buffer.width : 0;
  const auto fresh = [&](Index count) {
    return Tensor::uninitialized({{count, buffer.width}, buffer.dtype});
  };
  switch (buffer.kind) {
    case Buffer::input:
    case Buffer::before: {
      const Tensor x = given(buffer);
      return {x, nullptr, buffer.rows ? x.strides()[0] * each_of(buffer) : 0, buffer.width, true};
    }
    case Buffer::constant: {
      const Tensor x = constant(buffer);
      return {x, nullptr, buffer.rows ? x.strides()[0] * each_of(buffer) : 0};
    }
    case Buffer::state:
      return {initial_state(buffer), nullptr, buffer.width};
    case Buffer::stack:
      if (const Tensor under = inputs_under(buffer); under.defined()) {
        return {under, nullptr, row, buffer.width, true};
      }
      return {fresh(buffer.rows ? in_.rows.total() : in_.rows.time()), nullptr, row, buffer.width,
              true};
    case Buffer::local:
      return {fresh(rows), nullptr, row};
    case Buffer::made:
      break;
  }
  return {{}, nullptr, row};
}

// The memory of inputs that a stack may lie over, as rows of the stack.
Tensor LoopMemory::inputs_under(const Buffer& buffer) const {
  for (std::size_t i = 0; i < in_.overlaid.size(); i++) {
    const Overlay& overlay = program_.overlays[i];
    if (&buffer != &this->buffer(overlay.buffer) || !in_.overlaid[i] || !in_.rows.whole()) continue;
    const Tensor& first = in_.inputs[at(overlay.inputs[0])];
    return first.view({in_.rows.total(), buffer.width}, {buffer.width, 1}, 0);
  }
  return {};
}

// What the loop reads of all steps: its rows together, or, of a value without rows, each step's
// numbers.
Tensor LoopMemory::given(const Buffer& buffer) const {
  if (program_.rows.axis_of(buffer.value) == Rows::kNone) {
    return contiguous(in_.inputs[position(program_.step.inputs, buffer.value)]);
  }
  const Tensor& x = lifted_.get(buffer.value);
  return !buffer.rows || has_contiguous_rows(x, each_of(buffer)) ? x : contiguous(x);
}

Tensor LoopMemory::constant(const Buffer& buffer) const {
  const Tensor& x = lifted_.constant(buffer.value);
  const bool fits = buffer.rows ? has_contiguous_rows(x, each_of(buffer)) : x.contiguous();
  return fits ? x : contiguous(x);
}

Tensor LoopMemory::initial_state(const Buffer& buffer) const {
  const Tensor& given = in_.initial[position(program_.step.states, buffer.value)];
  const Tensor from = contiguous(in_.rows.sorted(given, 0));
  Tensor state = Tensor::uninitialized({{program_.rows.batch, buffer.width}, buffer.dtype});
  copy_elements(reshape(from, state.shape()), state);
  return state;
}

Index LoopMemory::first_element(int number, Index t) const {
  const Bound& b = bound_[at(number)];
  if (!b.all_steps) return 0;
  return buffer(number).rows ? in_.rows.first_row(t) * b.row : t * b.step;
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
    track.by = b.all_steps ? (by_row ? Track::row_of_all_steps : Track::first_row_of_step)
                           : (by_row ? Track::row : Track::nothing);
  } else if (b.all_steps) {
    track.move = b.step * item;
    track.by = Track::step;
  }
  return track;
}

void LoopMemory::copy_rows(Place from, Place to, Index columns, Index t, Index begin,
                           Index end) const {
  const Index item = bytes_of(buffer(to.buffer).dtype), size = columns * item;
  if (!buffer(to.buffer).rows) {
    std::memcpy(address(to, t, 0), address(from, t, 0), static_cast<std::size_t>(size));
    return;
  }
  // Nothing may be known of the rows of what a state becomes, but then it lies row after row.
  const Index step = buffer(from.buffer).rows ? row_step(from.buffer) : columns;
  const std::byte* source = address(from, t, 0) + begin * step * item;
  std::byte* target = address(to, t, begin);
  if (step == columns && row_step(to.buffer) == columns) {
    std::memcpy(target, source, static_cast<std::size_t>((end - begin) * size));
    return;
  }
  for (Index row = begin; row < end; row++) {
    std::memcpy(target, source, static_cast<std::size_t>(size));
    source += step * item;
    target += row_step(to.buffer) * item;
  }
}

void LoopMemory::fill(Place to, Index t, const Tensor& x) const {
  const auto bytes = static_cast<std::size_t>(x.size() * bytes_of(x.dtype()));
  std::memcpy(address(to, t, 0), OutputAccess::bytes(const_cast<Tensor&>(x)), bytes);
}

Tensor LoopMemory::value_at(ValueId value, Index t) const {
  const Place place = *program_.place(value);
  const Bound& b = bound_[at(place.buffer)];
  const Buffer& own = buffer(place.buffer);
  const Index rows = in_.rows.rows_at(t);
  if (own.kind == Buffer::made && own.value == value) return b.tensor;
  const int axis = program_.rows.axis_of(value);
  if (own.kind == Buffer::constant && own.value == value) {
    return axis == Rows::kNone ? b.tensor : slice(b.tensor, axis, 0, rows * each_of(own));
  }
  if (own.kind == Buffer::input && axis > 0) {
    const Index first = in_.rows.first_row(t);
    return slice(b.tensor, axis, first * each_of(own), (first + rows) * each_of(own));
  }
  const Index offset = first_element(place.buffer, t) + place.column;
  const Tensor& memory = memory_at(b, t) == b.data ? b.tensor : partner_of(place.buffer);
  if (own.rows) return rows_of(value, memory, b.row, rows, offset);
  const Dims& shape = spec(value).shape;
  return memory.view(shape, contiguous_strides(shape), offset);
}

// The buffer with which one exchanges its memory.
const Tensor& LoopMemory::partner_of(int number) const {
  for (std::size_t k = 0; k < program_.states.size(); k++) {
    const int next = program_.states[k].next.buffer, state = state_buffer(k);
    if (next == number) return bound_[at(state)].tensor;
    if (state == number) return bound_[at(next)].tensor;
  }
  return bound_[at(number)].tensor;
}

void LoopMemory::set_made(ValueId value, const Tensor& x) {
  Bound& b = bound_[at(program_.place(value)->buffer)];
  b.tensor = contiguous(x);
  b.data = OutputAccess::bytes(b.tensor);
}

// So many rows of the batch, as entries along the first axis of a value.
Tensor LoopMemory::rows_of(ValueId value, const Tensor& memory, Index row_step, Index rows,
                           Index offset) const {
  const Dims& shape = spec(value).shape;
  const Index each = program_.rows.each_of(value);
  if (each == 1) {
    Strides strides = contiguous_strides(shape);
    strides[0] = row_step;
    return memory.view(shape.with(0, rows), strides, offset);
  }
  Dims parted{rows, each};
  for (int i = 1; i < shape.rank(); i++) parted.push_back(shape[i]);
  Strides strides = contiguous_strides(parted);
  strides[0] = row_step;
  return reshape(memory.view(parted, strides, offset), shape.with(0, rows * each));
}

Tensor LoopMemory::last_state(std::size_t state) const {
  const Spec& own = spec(program_.step.states[state]);
  const Index time = in_.rows.time();
  const Bound& next = bound_[at(program_.states[state].next.buffer)];
  const Bound& before = bound_[at(state_buffer(state))];
  if (chained(state) && time > 0) {
    const Index last = in_.reverse ? 0 : (time - 1) * program_.rows.batch * next.row;
    // A copy: whoever holds the last state should not hold all of them.
    const Dims rows{program_.rows.batch, next.row};
    return reshape(copy_of(next.tensor.view(rows, {next.row, 1}, last)), own.shape);
  }
  const bool exchanged = hands_over(state, HandOver::exchanged) && time % 2 == 1;
  return reshape(in_.rows.unsorted(exchanged ? next.tensor : before.tensor, 0), own.shape);
}

Tensor LoopMemory::stack(ValueId value) const {
  const Place place = *program_.stacks[at(value)];
  const Bound& b = bound_[at(place.buffer)];
  const int axis = program_.rows.axis_of(value);
  if (axis == 0) return rows_of(value, b.tensor, b.row, in_.rows.total(), place.column);
  const Dims& shape = spec(value).shape;
  if (axis != Rows::kNone) {
    Dims first = shape;  // the rows' axis in front
    first.set(axis, shape[0]);
    first.set(0, in_.rows.total() * program_.rows.each_of(value));
    return transpose(b.tensor.view(first, contiguous_strides(first), 0), 0, axis);
  }
  Dims with_time{in_.rows.time()};
  for (const Index size : shape) with_time.push_back(size);
  Strides strides = contiguous_strides(with_time);
  strides[0] = b.step;
  return b.tensor.view(with_time, strides, place.column);
}

}  // namespace rw::engine
