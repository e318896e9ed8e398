// The loop. A step goes from instruction to instruction and only moves pointers. Where all
// instructions keep rows apart, each worker takes some rows through all steps by itself: nothing is
// waited for, and a row's bits are those that it has alone.
#include "rewind/autograd/engine/run.h"

#include <algorithm>

#include "rewind/autograd/engine/bound_loop.h"
#include "rewind/autograd/engine/facts.h"
#include "rewind/autograd/engine/lifted.h"
#include "rewind/autograd/engine/loop_memory.h"
#include "rewind/autograd/engine/packed.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/float_mode.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

// What is known before the loop, in the order of rows in which it runs.
Lifted lifted_inputs(const Program& program, const LoopInputs& in) {
  const Step& step = program.step;
  Lifted lifted(program, in.rows.total());
  for (std::size_t i = 0; i < step.invariants.size(); i++) {
    const int axis = program.rows.axis_of(step.invariants[i]);
    const Tensor& x = in.invariants[i];
    lifted.set_invariant(step.invariants[i], axis == Rows::kNone ? x : in.rows.sorted(x, axis));
  }
  for (std::size_t i = 0; i < step.inputs.size(); i++) {
    const int axis = step.input_rows[i];
    const Tensor& x = in.inputs[i];
    lifted.set(step.inputs[i], axis == Rows::kNone ? x : in.rows.together(x, axis));
  }
  return lifted;
}

// A kernel may give what it was given, or a view of it: memory that is written to again while the
// result is still to be read.
Tensor apart_from(const std::vector<Tensor>& inputs, const Tensor& x) {
  const bool apart = std::none_of(inputs.begin(), inputs.end(), [&](const Tensor& input) {
    return x.shares_storage_with(input);
  });
  return apart ? x : copy_of(x);
}

class Loop {
 public:
  Loop(const Program& program, LoopInputs in)
      : program_(program),
        in_(std::move(in)),
        batch_(program.rows.batch),
        lifted_(lifted_inputs(program, in_)),
        memory_(program, in_, lifted_) {
    for (const ValueId w : program.packed) packed_.push_back(lifted_.packed_form(w));
    for (const int s : program.fates.accumulated) {
      const Spec& spec = program.step.graph.spec(program.step.sums[at(s)]);
      accumulated_.push_back(zeros(spec.shape, spec.dtype));
      totals_.push_back(OutputAccess::bytes(accumulated_.back()));
    }
  }

  void run() {
    const RowSplit split = row_split(program_);
    const Index rows = in_.rows.time() >= split.steps ? split.rows : batch_;
    parallel_for(batch_, rows, [&](Index begin, Index end) { run_rows({begin, end}); });
  }

  LoopResults results() {
    const Step& step = program_.step;
    LoopResults results;
    for (std::size_t k = 0; k < step.states.size(); k++) {
      results.last.push_back(memory_.last_state(k));
    }
    release_memory();
    results.sums.resize(step.sums.size());
    for (std::size_t i = 0; i < accumulated_.size(); i++) {
      const int s = program_.fates.accumulated[i];
      const int axis = program_.rows.axis_of(step.sums[at(s)]);
      results.sums[at(s)] =
          axis == Rows::kNone ? accumulated_[i] : in_.rows.unsorted(accumulated_[i], axis);
    }
    for (std::size_t s = 0; s < step.sums.size(); s++) {
      if (!results.sums[s].defined()) results.sums[s] = contiguous(lifted_.get(step.sums[s]));
    }
    for (std::size_t i = 0; i < step.outputs.size(); i++) results.outputs.push_back(over_time(i));
    return results;
  }

 private:
  struct RowRange {
    Index begin, end;
    Index count() const { return end - begin; }
  };

  // Leaves what is read after the loop.
  void release_memory() {
    for (ValueId v = 0; v < program_.step.graph.values(); v++) {
      if (program_.stacks[at(v)]) lifted_.set(v, memory_.stack(v));
      if (!program_.read_afterwards[at(v)]) lifted_.set(v, {});
    }
    memory_.release();
    in_.inputs.clear();
  }

  void run_rows(RowRange rows) {
    const Index time = in_.rows.time();
    BoundLoop bound(program_, memory_, packed_, rows.count());
    const bool copies = memory_.copies_states();
    for (Index k = 0; k < time; k++) {
      const Index t = in_.reverse ? time - 1 - k : k;
      const RowRange active{rows.begin, std::min(rows.end, in_.rows.rows_at(t))};
      if (active.begin >= active.end) continue;
      bound.go_to(t, k, in_.rows.first_row(t), active.begin, active.end);
      for (std::size_t i = 0; i < program_.loop.size(); i++) {
        if (bound.run(i)) continue;
        std::visit([&](const auto& other) { run_one(other, t); }, program_.loop[i]);
      }
      program_.rows_apart ? accumulate_rows(t, active) : accumulate(t);
      if (copies) memory_.hand_over_states(t, active.begin, active.end);
    }
  }

  template <class Bound>
  static void run_one(const Bound&, Index) {}  // done by BoundLoop

  void run_one(const ArrangeInstruction& i, Index t) {
    const int axis = program_.rows.axis_of(i.value);
    const Tensor rows = contiguous(transpose(memory_.value_at(i.value, t), 0, axis));
    memory_.fill(i.to, t, rows);
  }

  void run_one(const OrdinaryInstruction& i, Index t) {
    const Graph::Node& node = program_.step.graph.nodes()[at(i.node)];
    std::vector<Tensor> inputs;
    for (const ValueId x : node.inputs) inputs.push_back(memory_.value_at(x, t));
    std::vector<const Tensor*> pointers;
    for (const Tensor& x : inputs) pointers.push_back(&x);
    std::vector<Tensor> outputs(at(node.results));
    const Index rows = in_.rows.rows_at(t);
    if (is_random(node.operation)) {
      draw(node, t, pointers, outputs);
    } else if (lifted_.is_packed_product(node)) {
      const Index columns = program_.step.graph.spec(node.first).shape.back();
      outputs[0] = times_packed(inputs[0], lifted_.packed_form(node.inputs[1]), columns);
    } else if (rows == batch_) {
      execute(node.operation, pointers, outputs);
    } else {
      execute(with_rows(node.operation, program_.rows, node.first, rows), pointers, outputs);
    }
    for (int k = 0; k < node.results; k++) {
      memory_.set_made(node.first + k, apart_from(inputs, outputs[at(k)]));
    }
  }

  // How many entries of a value, along its axis of rows, count at step t.
  Index entries_at(Index t, ValueId value) const {
    return in_.rows.rows_at(t) * program_.rows.each_of(value);
  }

  // Numbers belong to the rows of the caller, also where some are left out.
  void draw(const Graph::Node& node, Index t, std::span<const Tensor* const> inputs,
            std::span<Tensor> outputs) {
    const Draws& draws = in_.draws;
    const Index k = draws.reverse ? in_.rows.busy_steps() - 1 - t : t;
    const std::uint64_t number =
        draws.first + static_cast<std::uint64_t>(k * draws.each) + draw_of(node.operation).draw;
    execute(with_draw(node.operation, {draws.seed, number}), inputs, outputs);
    const int axis = program_.rows.axis_of(node.first);
    if (axis == Rows::kNone || in_.rows.whole()) return;
    outputs[0] = slice(in_.rows.sorted(outputs[0], axis), axis, 0, entries_at(t, node.first));
  }

  void accumulate(Index t) {
    for (std::size_t i = 0; i < accumulated_.size(); i++) {
      const ValueId sum = program_.step.sums[at(program_.fates.accumulated[i])];
      const Tensor x = memory_.value_at(sum, t);
      const int axis = program_.rows.axis_of(sum);
      Tensor& total = accumulated_[i];
      total = axis == Rows::kNone ? std::move(total) + x
                                  : slice_add(std::move(total), x, axis, 0, entries_at(t, sum));
    }
  }

  void accumulate_rows(Index t, RowRange rows) {
    for (std::size_t i = 0; i < accumulated_.size(); i++) {
      accumulated_[i].dtype() == float32 ? accumulate_rows<float>(i, t, rows)
                                         : accumulate_rows<double>(i, t, rows);
    }
  }
  template <class T>
  void accumulate_rows(std::size_t i, Index t, RowRange rows) {
    const Place place = *program_.place(program_.step.sums[at(program_.fates.accumulated[i])]);
    const Index columns = accumulated_[i].size() / batch_;
    T* const totals = reinterpret_cast<T*>(totals_[i]);
    for (Index row = rows.begin; row < rows.end; row++) {
      const T* const x = reinterpret_cast<const T*>(memory_.address(place, t, row));
      T* const total = totals + row * columns;
      for (Index k = 0; k < columns; k++) total[k] += x[k];
    }
  }

  // An output of all steps, [time, ...].
  Tensor over_time(std::size_t output) {
    const Step& step = program_.step;
    const ValueId value = step.outputs[output];
    if (lifted_.is_constant(value)) {
      return in_.rows.repeated(lifted_.constant(value), axis_wanted(step, program_.rows, output));
    }
    const Tensor& rows = lifted_.get(value);
    const int axis = program_.rows.axis_of(value);
    if (axis == Rows::kNone) return rows;
    return in_.rows.over_time(rows, axis, step.graph.spec(value).shape);
  }

  const Program& program_;
  LoopInputs in_;
  const Index batch_;
  Lifted lifted_;
  LoopMemory memory_;
  std::vector<Tensor> packed_;       // as program.packed
  std::vector<Tensor> accumulated_;  // as program.fates.accumulated
  std::vector<std::byte*> totals_;   // their numbers
};

// What a row takes at a step, in multiply-adds of a product.
Index work_of_a_row(const Program& program) {
  constexpr Index kWorkOfAnElement = 8;
  Index work = 0;
  for (const Instruction& instruction : program.loop) {
    if (const auto* product = std::get_if<ProductInstruction>(&instruction)) {
      work += product->k * product->n;
    } else if (const auto* elements = std::get_if<ElementInstruction>(&instruction)) {
      work += kWorkOfAnElement * elements->columns * std::ssize(elements->program.instructions);
    }
  }
  return work;
}

}  // namespace

RowSplit row_split(const Program& program) {
  constexpr Index kLeastRows = 8;        // of a product, in about the time of 4
  constexpr Index kLeastWork = 1000000;  // 25 us, where waking a worker takes 5
  const Index batch = program.rows.batch;
  static const std::string few = fmt::format("fewer than {} take about as long", kLeastRows);
  const auto all = [&](std::string_view why) { return RowSplit{batch, 0, why}; };
  if (!program.rows_apart) {
    return all(program.fates.accumulated.empty() ? "ordinary kernels run inside the loop"
                                                 : "sums are added up inside the loop");
  }
  if (thread_count() == 1) return all("there is one thread");
  const Index each = (batch + thread_count() - 1) / thread_count();
  const Index work = each * work_of_a_row(program);
  if (each < kLeastRows) return all(few);
  if (work == 0) return all("the loop does nothing but copy");
  return {each, (kLeastWork + work - 1) / work};
}

LoopResults run(const Program& program, LoopInputs inputs) {
  const Uninterpreted direct;
  const FlushDenormals flush;
  require<ShapeError>(inputs.rows.whole() || program.mixing.empty(),
                      "scan: the step mixes rows of the batch, {}, and with lengths they are not "
                      "all there; use loop, or declare an operation of yours `rowwise`",
                      program.mixing);
  Loop loop(program, std::move(inputs));
  loop.run();
  return loop.results();
}

}  // namespace rw::engine
