// The memory of one run of a loop: every buffer of its program. What outlives a stretch of time has
// memory of all steps, taken before the first one; of the rest the stretches use the same memory,
// one after the other, and what they are given and make before the loop is bound for each.
#pragma once

#include "rewind/autograd/engine/run/lifted.h"
#include "rewind/autograd/engine/run/run.h"
#include "rewind/autograd/engine/run/stretches.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// The same numbers in memory of their own, row after row.
Tensor copy_of(const Tensor& x);

// Where a place is found at every step, for who asks often: *base, of even steps and of odd ones,
// and `move` bytes for each of what it goes by. The addresses of bases stay.
struct Track {
  enum By : char { nothing, row, row_of_all_steps, first_row_of_step, step } by = nothing;
  const std::byte* const* base[2];
  Index offset, move;
};

struct RowRange {
  Index begin, end;
  Index count() const { return end - begin; }
};

class LoopMemory {
 public:
  // Keeps references to the first three.
  LoopMemory(const Program& program, const LoopInputs& inputs, Lifted& lifted,
             const std::vector<Stretch>& stretches);

  // To be called before the steps of each stretch, in the order in which they run, when `lifted`
  // knows its inputs.
  void enter(Stretch stretch);

  // Where row `row` of a place begins at step t. Rows lie row_step(buffer) elements apart, 0 where
  // all are one.
  std::byte* address(Place place, Index t, Index row) const;
  Index row_step(int buffer) const { return bound_[at(buffer)].row; }
  // The same where so many columns of it are copied. Nothing may be known of the rows of what a
  // state becomes, but then it lies row after row.
  Index row_step(int buffer, Index columns) const {
    return program_.buffers[at(buffer)].rows ? row_step(buffer) : columns;
  }

  // The same for one place; of the first row of each step, or `by_row` of those that are asked for.
  Track track(Place place, bool by_row) const;

  // Whether the step after reads a state where this one wrote it.
  bool chained(std::size_t state) const { return hands_over(state, HandOver::chained); }
  // Whether the states after a step have to be copied for the next one.
  bool copies_states() const;
  // Makes next states of rows begin .. end the states of the step after, where that takes a copy.
  void hand_over_states(Index t, Index begin, Index end) const;

  // Copies rows begin .. end of a step from place to place.
  void copy_rows(Place from, Place to, Index columns, Index t, Index begin, Index end) const;

  // Fills a place at step t, from a row on, with numbers that lie one after the other.
  void fill(Place to, Index t, Index row, const Tensor& x) const;

  // A value at step t as a tensor: some of its rows that count. And the other way round, the
  // result of an ordinary kernel.
  Tensor value_at(ValueId value, Index t, RowRange rows) const;
  // The same as a view of the memory: where a row of the batch has several entries, these may have
  // an axis of their own, after the first.
  Tensor view_at(ValueId value, Index t, RowRange rows) const;
  void set_made(ValueId value, const Tensor& x, RowRange rows);
  // From now on such results are copied to memory that stays where it is: for workers who make some
  // rows each, and for who wants to know the address. Else the tensors themselves are kept.
  void keep_made();

  // What a stack holds of some steps: their rows together, or, of a value without rows,
  // [steps, ...]. All of a stretch that was run last; of outputs, those of all steps.
  Tensor stack(ValueId value, Stretch steps) const;
  // After the loop: a state in the order of the caller.
  Tensor last_state(std::size_t state) const;
  // When there is nothing more to ask.
  void release() { bound_.clear(); }

 private:
  // From one row to the next there are `row` elements; what holds several steps, from `first_step`
  // on, begins at their first row, or, without rows, `step` elements after the step before. `other`
  // is the memory at every second step, where it changes places.
  struct Bound {
    Tensor tensor;
    std::byte* data = nullptr;
    Index row = 0, step = 0;
    bool several_steps = false;
    Index first_step = 0;
    std::byte* other = nullptr;
    Tensor initial = {};  // of a chain

    void find_data() { data = tensor.defined() ? OutputAccess::bytes(tensor) : nullptr; }
  };

  const Buffer& buffer(int number) const { return program_.buffers[at(number)]; }
  Index each_of(const Buffer& buffer) const { return program_.rows.each_of(buffer.value); }
  const Spec& spec(ValueId value) const { return program_.step.graph.spec(value); }

  bool hands_over(std::size_t state, HandOver::Kind kind) const {
    return in_.rows.whole() && program_.states[state].kind == kind;
  }
  int state_buffer(std::size_t state) const {
    return program_.place(program_.step.states[state])->buffer;
  }
  bool outlives(int buffer) const { return outlives_[at(buffer)]; }
  // Whether it is given, or made before the loop, for one stretch at a time.
  bool is_of_one_stretch(int number) const {
    const Buffer::Kind kind = buffer(number).kind;
    return (kind == Buffer::before || kind == Buffer::input) && !outlives(number);
  }
  std::vector<bool> outliving() const;
  bool is_in_a_chain(int buffer) const;
  Index most_rows() const;
  Index most_steps() const;
  void bind(int buffer);
  void chain(std::size_t state);
  void go_on_with_chain(std::size_t state, Stretch stretch);
  void exchange(std::size_t state);
  Bound stack_of(int buffer) const;
  void fill_before_the_loop(int buffer, Stretch stretch);
  Bound rows_of_input(const Buffer& buffer, const Tensor& x) const;
  Tensor input_of_all_steps(const Buffer& buffer) const;
  static Tensor uninitialized(const Buffer& buffer, Index rows);
  Tensor constant(const Buffer& buffer) const;
  Tensor initial_state(const Buffer& buffer) const;
  Index first_element(int buffer, Index t) const;
  std::byte* memory_at(const Bound& b, Index t) const;
  const Tensor& partner_of(int buffer) const;
  Tensor merged(ValueId value, const Tensor& view) const;
  Tensor rows_of(ValueId value, const Tensor& memory, Index row_step, Index rows,
                 Index offset) const;

  const Program& program_;
  const LoopInputs& in_;
  Lifted& lifted_;
  const std::vector<Stretch> stretches_;
  const std::vector<bool> outlives_;  // by buffer: holds what is wanted of all steps
  std::vector<Bound> bound_;          // by buffer
  std::optional<Stretch> last_;       // that was entered
  bool keeps_made_ = false;
};

}  // namespace engine
}  // namespace rw
