// Stretch after stretch of time: what belongs before the loop, the loop, what belongs after it.
#include "rewind/autograd/engine/run/run.h"

#include <algorithm>

#include "rewind/autograd/engine/run/loop.h"
#include "rewind/autograd/engine/run/spent_inputs.h"
#include "rewind/autograd/engine/run/stretches.h"
#include "rewind/autograd/engine/run/totals.h"
#include "rewind/tensor/blocks.h"
#include "rewind/tensor/float_mode.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

// What is the same at every step, in the order of rows in which the loop runs.
Lifted lifted_invariants(const Program& program, const LoopInputs& in) {
  const Step& step = program.step;
  Lifted lifted(program, in.rows.total());
  for (std::size_t i = 0; i < step.invariants.size(); i++) {
    const int axis = program.rows.axis_of(step.invariants[i]);
    const Tensor& x = in.invariants[i];
    lifted.set_invariant(step.invariants[i], axis == Rows::kNone ? x : in.rows.sorted(x, axis));
  }
  return lifted;
}

class Run {
 public:
  Run(const Program& program, LoopInputs in)
      : program_(program),
        step_(program.step),
        in_(std::move(in)),
        stretches_(stretches(program, in_.rows)),
        spent_(program, in_),
        lifted_(lifted_invariants(program, in_)),
        memory_(program, in_, lifted_, stretches_),
        loop_(program, in_, lifted_, memory_),
        totals_(program, lifted_),
        outputs_(step_.outputs.size()) {}

  ScanResults results() {
    if (in_.reverse) std::reverse(stretches_.begin(), stretches_.end());
    for (const Stretch& stretch : stretches_) {
      before_the_loop(stretch);
      loop_.run(stretch);
      const bool last = &stretch == &stretches_.back();
      if (last) take_what_the_loop_left();
      after_the_loop(stretch, last);
    }
    totals_.finish();
    take_sums();
    for (std::size_t i = 0; i < outputs_.size(); i++) results_.outputs.push_back(over_time(i));
    return std::move(results_);
  }

 private:
  void before_the_loop(Stretch stretch) {
    const bool all = stretches_.size() == 1;
    const RowSchedule rows = in_.rows.stretch(stretch.begin, stretch.end);
    lifted_.begin_stretch(rows.total());
    for (std::size_t i = 0; i < step_.inputs.size(); i++) {
      const Tensor& given = in_.inputs[i];
      const Tensor x = all ? given : slice(given, 0, stretch.begin, stretch.end);
      const int axis = step_.input_rows[i];
      lifted_.set(step_.inputs[i], axis == Rows::kNone ? x : rows.together(x, axis));
    }
    memory_.enter(stretch);
  }

  // Takes results out of memory that is let go then, before the work after the loop begins.
  void take_what_the_loop_left() {
    for (std::size_t k = 0; k < step_.states.size(); k++) {
      results_.last.push_back(memory_.last_state(k));
    }
    for (std::size_t i = 0; i < outputs_.size(); i++) {
      const ValueId y = step_.outputs[i];
      if (program_.stacks[at(y)]) outputs_[i] = memory_.stack(y, {0, in_.rows.time()});
      const auto input = std::find(step_.inputs.begin(), step_.inputs.end(), y);
      if (input != step_.inputs.end()) outputs_[i] = rows_of(input - step_.inputs.begin());
    }
  }
  Tensor rows_of(std::ptrdiff_t input) const {
    const auto i = static_cast<std::size_t>(input);
    const int axis = step_.input_rows[i];
    return axis == Rows::kNone ? in_.inputs[i] : in_.rows.together(in_.inputs[i], axis);
  }

  void after_the_loop(Stretch stretch, bool last) {
    for (ValueId v = 0; v < step_.graph.values(); v++) {
      if (program_.stacks[at(v)]) lifted_.set(v, memory_.stack(v, stretch));
      if (!program_.read_afterwards[at(v)]) lifted_.set(v, {});
    }
    if (last) {
      memory_.release();
      in_.inputs.clear();
    }
    for (const ValueId y : step_.outputs) {
      if (is_made_outside(y) && !is_written_where_it_is_wanted(y)) lifted_.get(y);
    }
    totals_.add();
    // Not before all is read: it may lie over inputs.
    for (std::size_t i = 0; i < outputs_.size(); i++) {
      if (is_made_outside(step_.outputs[i])) add_rows_to(outputs_[i], step_.outputs[i], stretch);
    }
  }
  bool is_made_outside(ValueId value) const {
    return !program_.stacks[at(value)] && !lifted_.is_constant(value) && step_.graph.maker(value);
  }

  // A product of what the loop left, which lies over no input, with rows that come first.
  bool is_written_where_it_is_wanted(ValueId value) const {
    const Graph::Node& node = *step_.graph.maker(value);
    if (stretches_.size() == 1 || !program_.is_packed_product(node)) return false;
    if (program_.rows.axis_of(value) != 0) return false;
    const auto& left = program_.stacks[at(node.inputs[0])];
    return left && program_.buffers[at(left->buffer)].kind == Buffer::stack;
  }

  // What a stretch gives of an output goes to its rows among those of all steps.
  void add_rows_to(Tensor& output, ValueId value, Stretch stretch) {
    if (stretches_.size() == 1) {
      output = lifted_.get(value);
      return;
    }
    const int axis = program_.rows.axis_of(value);
    const Index each = program_.rows.each_of(value);
    const Spec& spec = step_.graph.spec(value);
    const Dims all = spec.shape.with(axis, in_.rows.total() * each);
    // Along another axis a stretch has a part of all rows in memory, those of others too.
    if (!output.defined() && axis == 0) output = spent_.take({all, spec.dtype});
    if (!output.defined()) output = Tensor::uninitialized({all, spec.dtype});
    const Index first = in_.rows.first_row(stretch.begin) * each;
    if (axis > 0) {
      const Tensor& part = lifted_.get(value);
      return copy_into(part, output, narrowed(whole_block(all), axis, first, part.dim(axis)));
    }
    const Strides strides = contiguous_strides(all);
    const Index count = in_.rows.first_row(stretch.end) * each - first;
    Tensor rows = output.view(all.with(0, count), strides, first * strides[0]);
    lifted_.get_into(value, rows);
  }

  void take_sums() {
    results_.sums.resize(step_.sums.size());
    for (std::size_t i = 0; i < program_.fates.accumulated.size(); i++) {
      const int s = program_.fates.accumulated[i];
      const int axis = program_.rows.axis_of(step_.sums[at(s)]);
      const Tensor& sum = loop_.accumulated()[i];
      results_.sums[at(s)] = axis == Rows::kNone ? sum : in_.rows.unsorted(sum, axis);
    }
    for (std::size_t s = 0; s < step_.sums.size(); s++) {
      Tensor& sum = results_.sums[s];
      if (!sum.defined()) sum = contiguous(lifted_.get(step_.sums[s]));
    }
  }

  // An output of all steps, [time, ...].
  Tensor over_time(std::size_t output) {
    const ValueId value = step_.outputs[output];
    if (lifted_.is_constant(value)) {
      return in_.rows.repeated(lifted_.constant(value), axis_wanted(step_, program_.rows, output));
    }
    const Tensor& rows = outputs_[output];
    const int axis = program_.rows.axis_of(value);
    if (axis == Rows::kNone) return rows;
    return in_.rows.over_time(rows, axis, step_.graph.spec(value).shape);
  }

  const Program& program_;
  const Step& step_;
  LoopInputs in_;
  std::vector<Stretch> stretches_;
  SpentInputs spent_;
  Lifted lifted_;
  LoopMemory memory_;
  Loop loop_;
  Totals totals_;
  std::vector<Tensor> outputs_;  // their rows
  ScanResults results_;
};

}  // namespace

ScanResults run(const Program& program, LoopInputs inputs) {
  const Uninterpreted direct;
  const FlushDenormals flush;
  require<ShapeError>(inputs.rows.whole() || program.mixing.empty(),
                      "scan: the step mixes rows of the batch, or seems to, {}, and with lengths "
                      "they are not all there; if it keeps them apart, use loop or PlainLoops, or "
                      "declare an operation of yours `rowwise`",
                      program.mixing);
  return Run(program, std::move(inputs)).results();
}

}  // namespace rw::engine
