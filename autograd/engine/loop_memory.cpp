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

LoopMemory::LoopMemory(const Program& program, const LoopInputs& inputs, Lifted& lifted,
                       const std::vector<Stretch>& stretches)
    : program_(program),
      in_(inputs),
      lifted_(lifted),
      stretches_(stretches),
      outlives_(outliving()),
      bound_(program.buffers.size()) {
  for (int i = 0; i < static_cast<int>(bound_.size()); i++) {
    if (!is_in_a_chain(i)) bind(i);
  }
  for (std::size_t k = 0; k < program.states.size(); k++) {
    if (chained(k)) chain(k);
    if (hands_over(k, HandOver::exchanged)) exchange(k);
  }
}

// Buffers that hold outputs. Where one of a chain does, all of it is kept.
std::vector<bool> LoopMemory::outliving() const {
  std::vector<bool> result(program_.buffers.size(), false);
  if (stretches_.size() == 1) return result;  // what is of one stretch is of all steps
  for (const ValueId y : program_.step.outputs) {
    if (program_.stacks[at(y)]) result[at(program_.stacks[at(y)]->buffer)] = true;
  }
  for (std::size_t k = 0; k < program_.states.size(); k++) {
    const HandOver& over = program_.states[k];
    if (!chained(k) || over.stack < 0) continue;
    const bool any = result[at(over.next.buffer)] || result[at(over.stack)];
    result[at(over.next.buffer)] = result[at(over.stack)] = any;
  }
  return result;
}

bool LoopMemory::is_in_a_chain(int number) const {
  for (std::size_t k = 0; k < program_.states.size(); k++) {
    const HandOver& over = program_.states[k];
    if (chained(k) && (number == over.next.buffer || number == over.stack)) return true;
  }
  return false;
}

Index LoopMemory::most_rows() const {
  Index most = 0;
  for (const Stretch s : stretches_) {
    most = std::max(most, in_.rows.first_row(s.end) - in_.rows.first_row(s.begin));
  }
  return most;
}

Index LoopMemory::most_steps() const {
  Index most = 0;
  for (const Stretch s : stretches_) most = std::max(most, s.steps());
  return most;
}

// What stays where it is through all stretches.
void LoopMemory::bind(int number) {
  const Buffer& buffer = this->buffer(number);
  Bound& b = bound_[at(number)];
  b.row = buffer.rows ? buffer.width : 0;
  switch (buffer.kind) {
    case Buffer::constant:
      b.tensor = constant(buffer);
      if (buffer.rows) b.row = b.tensor.strides()[0] * each_of(buffer);
      break;
    case Buffer::state:
      b.tensor = initial_state(buffer);
      break;
    case Buffer::stack:
      b = stack_of(number);
      break;
    case Buffer::local:
      b.tensor = uninitialized(buffer, buffer.rows ? program_.rows.batch : 1);
      break;
    case Buffer::before:
      if (outlives(number)) b = stack_of(number);
      break;
    case Buffer::input:
      if (outlives(number)) b = rows_of_input(buffer, input_of_all_steps(buffer));
      break;
    case Buffer::made:
      break;
  }
  b.find_data();
}

Tensor LoopMemory::uninitialized(const Buffer& buffer, Index rows) {
  return Tensor::uninitialized({{rows, buffer.width}, buffer.dtype});
}

LoopMemory::Bound LoopMemory::stack_of(int number) const {
  const Buffer& buffer = this->buffer(number);
  const Index row = buffer.rows ? buffer.width : 0;
  const Index rows = buffer.rows ? (outlives(number) ? in_.rows.total() : most_rows())
                                 : (outlives(number) ? in_.rows.time() : most_steps());
  return {uninitialized(buffer, rows), nullptr, row, buffer.width, true};
}

void LoopMemory::enter(Stretch stretch) {
  for (std::size_t k = 0; k < program_.states.size(); k++) {
    if (chained(k)) go_on_with_chain(k, stretch);
  }
  for (std::size_t i = 0; i < bound_.size(); i++) {
    const int number = static_cast<int>(i);
    const Buffer& buffer = this->buffer(number);
    Bound& b = bound_[i];
    if (outlives(number)) {
      if (buffer.kind == Buffer::before) fill_before_the_loop(number, stretch);
    } else if (buffer.kind == Buffer::before || buffer.kind == Buffer::input) {
      b = rows_of_input(buffer, lifted_.get(buffer.value));
      b.first_step = stretch.begin;
      b.find_data();
    } else if (buffer.kind == Buffer::stack) {
      b.first_step = stretch.begin;
    }
  }
  last_ = stretch;
}

// What work before the loop gave for these steps, where the loop goes on with it.
void LoopMemory::fill_before_the_loop(int number, Stretch stretch) {
  const Tensor& x = lifted_.get(buffer(number).value);
  const Bound& b = bound_[at(number)];
  Tensor part = b.tensor.view({x.size() / b.row, b.row}, {b.row, 1},
                              in_.rows.first_row(stretch.begin) * b.row);
  copy_elements(reshape(x, part.shape()), part);
}

// One row of states after the other: the one that the first step begins with, and what each leaves.
void LoopMemory::chain(std::size_t state) {
  const HandOver& over = program_.states[state];
  const Buffer& next = buffer(over.next.buffer);
  const Index batch = program_.rows.batch, width = next.width;
  const Index steps = outlives(over.next.buffer) ? in_.rows.time() : most_steps();
  const Tensor all = uninitialized(next, (steps + 1) * batch);
  const auto stack_from = [&](Index first) {
    Bound stack{all.view({steps * batch, width}, {width, 1}, first), nullptr, width, width, true};
    stack.find_data();
    return stack;
  };
  const Index later = batch * width;
  Bound entered = stack_from(in_.reverse ? later : 0);
  entered.initial = bound_[at(state_buffer(state))].tensor;
  bound_[at(over.next.buffer)] = stack_from(in_.reverse ? 0 : later);
  bound_[at(state_buffer(state))] = entered;
  if (over.stack >= 0) bound_[at(over.stack)] = entered;
}
// The state that a stretch begins with is the one that the stretch before left.
void LoopMemory::go_on_with_chain(std::size_t state, Stretch stretch) {
  const int entered = state_buffer(state), next = program_.states[state].next.buffer;
  const Index batch = program_.rows.batch, width = row_step(next);
  const Index first = in_.reverse ? stretch.end - 1 : stretch.begin;
  const auto states_at = [&](int number, Index t) {
    const Bound& b = bound_[at(number)];
    return b.tensor.view({batch, width}, {width, 1}, (t - b.first_step) * batch * width);
  };
  const bool stays = last_ && outlives(next);
  const Tensor left = last_ ? states_at(next, in_.reverse ? last_->begin : last_->end - 1)
                            : bound_[at(entered)].initial;
  if (!outlives(next)) {
    const int stack = program_.states[state].stack;
    for (const int number : {entered, next, stack}) {
      if (number >= 0) bound_[at(number)].first_step = stretch.begin;
    }
  }
  if (stays) return;
  Tensor to = states_at(entered, first);
  copy_elements(left, to);
}

void LoopMemory::exchange(std::size_t state) {
  Bound& next = bound_[at(program_.states[state].next.buffer)];
  Bound& before = bound_[at(state_buffer(state))];
  next.other = before.data;
  before.other = next.data;
}

void LoopMemory::hand_over_states(Index t, Index begin, Index end) const {
  for (std::size_t k = 0; k < program_.states.size(); k++) {
    if (in_.rows.whole() && program_.states[k].kind != HandOver::copied) continue;
    const int state = state_buffer(k);
    copy_rows(program_.states[k].next, {state, 0}, buffer(state).width, t, begin, end);
  }
}

// What the loop reads of several steps: their rows together, or, of a value without rows, each
// step's numbers.
LoopMemory::Bound LoopMemory::rows_of_input(const Buffer& buffer, const Tensor& x) const {
  const bool rows = program_.rows.axis_of(buffer.value) != Rows::kNone;
  const bool lie_well = rows && (!buffer.rows || has_contiguous_rows(x, each_of(buffer)));
  const Tensor together = lie_well ? x : contiguous(x);
  const Index row = buffer.rows ? together.strides()[0] * each_of(buffer) : 0;
  return {together, nullptr, row, buffer.width, true};
}

Tensor LoopMemory::input_of_all_steps(const Buffer& buffer) const {
  const Tensor& x = in_.inputs[position(program_.step.inputs, buffer.value)];
  const int axis = program_.rows.axis_of(buffer.value);
  return axis == Rows::kNone ? x : in_.rows.together(x, axis);
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
    const Index first = in_.rows.first_row(t) - in_.rows.first_row(b.first_step);
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
  Dims parted{rows, each};
  for (int i = 1; i < shape.rank(); i++) parted.push_back(shape[i]);
  Strides strides = contiguous_strides(parted);
  strides[0] = row_step;
  return reshape(memory.view(parted, strides, offset), shape.with(0, rows * each));
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
  if (axis == 0) return rows_of(value, b.tensor, b.row, rows, first);
  const Dims& shape = spec(value).shape;
  if (axis != Rows::kNone) {
    Dims turned = shape;  // the rows' axis in front
    turned.set(axis, shape[0]);
    turned.set(0, rows * program_.rows.each_of(value));
    return transpose(b.tensor.view(turned, contiguous_strides(turned), first), 0, axis);
  }
  Dims with_time{steps.steps()};
  for (const Index size : shape) with_time.push_back(size);
  Strides strides = contiguous_strides(with_time);
  strides[0] = b.step;
  return b.tensor.view(with_time, strides, first);
}

}  // namespace rw::engine
