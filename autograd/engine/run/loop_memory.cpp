// Which memory the buffers of a program have, and for how long.
#include "rewind/autograd/engine/run/loop_memory.h"

#include <algorithm>

#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

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
  // What the stretch before had is let go first, so that this one finds the same memory.
  for (std::size_t i = 0; i < bound_.size(); i++) {
    if (is_of_one_stretch(static_cast<int>(i))) bound_[i].tensor = Tensor();
  }
  for (std::size_t k = 0; k < program_.states.size(); k++) {
    if (chained(k)) go_on_with_chain(k, stretch);
  }
  for (std::size_t i = 0; i < bound_.size(); i++) {
    const int number = static_cast<int>(i);
    const Buffer& buffer = this->buffer(number);
    Bound& b = bound_[i];
    if (outlives(number)) {
      if (buffer.kind == Buffer::before) fill_before_the_loop(number, stretch);
    } else if (is_of_one_stretch(number)) {
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
  const Bound& b = bound_[at(number)];
  const Index first = in_.rows.first_row(stretch.begin);
  const Index rows = in_.rows.first_row(stretch.end) - first;
  Tensor part = b.tensor.view({rows, b.row}, {b.row, 1}, first * b.row);
  lifted_.get_into(buffer(number).value, part);
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
  if (!outlives(next)) bound_[at(entered)].first_step = stretch.begin;
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

}  // namespace rw::engine
