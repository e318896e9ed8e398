#include "rewind/autograd/engine/run/loop.h"

#include <algorithm>

#include "rewind/autograd/engine/compile/rows_apart.h"
#include "rewind/autograd/engine/run/loop_split.h"
#include "rewind/autograd/engine/run/packed.h"
#include "rewind/autograd/engine/step/facts.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
Loop::Loop(const Program& program, const LoopInputs& in, const Lifted& lifted, LoopMemory& memory)
    : program_(program), in_(in), batch_(program.rows.batch), memory_(memory) {
  for (const ValueId w : program.packed) packed_.push_back(lifted.packed_form(w));
  for (const int s : program.fates.accumulated) {
    const Spec& spec = program.step.graph.spec(program.step.sums[at(s)]);
    accumulated_.push_back(zeros(spec.shape, spec.dtype));
    totals_.push_back(OutputAccess::bytes(accumulated_.back()));
  }
}

void Loop::run(Stretch stretch) {
  const LoopSplit split = loop_split(program_);
  const bool shared = split.workers > 1 && stretch.steps() >= split.steps;
  if (shared && split.by == LoopSplit::columns) return run_columns(stretch, split.workers);
  if (shared) memory_.keep_made();
  parallel_for(batch_, shared ? split.most_rows : batch_, [&](Index begin, Index end) {
    run_rows(stretch, {begin, end});
  });
}

Index Loop::step(Stretch stretch, Index k) const {
  return in_.reverse ? stretch.end - 1 - k : stretch.begin + k;
}

void Loop::go_to(BoundLoop& bound, Index t, RowRange rows) const {
  const Index number = in_.reverse ? in_.rows.time() - 1 - t : t;
  bound.go_to(t, number, in_.rows.first_row(t), rows.begin, rows.end);
}

void Loop::run_rows(Stretch stretch, RowRange rows) {
  BoundLoop bound(program_, memory_, packed_, rows.count());
  const bool copies = memory_.copies_states();
  for (Index k = 0; k < stretch.steps(); k++) {
    const Index t = step(stretch, k);
    const RowRange active{rows.begin, std::min(rows.end, in_.rows.rows_at(t))};
    if (active.begin >= active.end) continue;
    go_to(bound, t, active);
    for (std::size_t i = 0; i < program_.loop.size(); i++) {
      if (bound.run(i)) continue;
      std::visit([&](const auto& other) { run_one(other, t, active); }, program_.loop[i]);
    }
    program_.together.empty() ? accumulate_rows(t, active) : accumulate(t);
    if (copies) memory_.hand_over_states(t, active.begin, active.end);
  }
}

// Each member makes its columns of every step. Sums, and states that are copied, are shared by
// rows, between two waits. Ordinary kernels have no columns (loop_split.h keeps them out).
void Loop::run_columns(Stretch stretch, int workers) {
  std::vector<BoundLoop> bound;  // here, since nothing may be thrown where others wait
  bound.reserve(at(workers));
  for (int w = 0; w < workers; w++) {
    bound.emplace_back(program_, memory_, packed_, batch_, ColumnShare{w, workers});
  }
  const bool copies = memory_.copies_states();
  together(workers, [&](Team& team, int member) {
    for (Index k = 0; k < stretch.steps(); k++) {
      const Index t = step(stretch, k), rows = in_.rows.rows_at(t);
      if (rows == 0) continue;
      const RowRange own{rows * member / team.size(), rows * (member + 1) / team.size()};
      // A team may be smaller than was asked for.
      for (int w = member; w < workers; w += team.size()) go_to(bound[at(w)], t, {0, rows});
      for (std::size_t i = 0; i < program_.loop.size(); i++) {
        if (program_.columns.waits(i)) team.wait();
        for (int w = member; w < workers; w += team.size()) bound[at(w)].run(i);
      }
      if (!copies && accumulated_.empty()) continue;
      team.wait();
      accumulate_rows(t, own);
      if (copies) memory_.hand_over_states(t, own.begin, own.end);
      team.wait();
    }
  });
}

void Loop::run_one(const ArrangeInstruction& i, Index t, RowRange rows) {
  const int axis = program_.rows.axis_of(i.value);
  const Tensor arranged = contiguous(transpose(memory_.value_at(i.value, t, rows), 0, axis));
  memory_.fill(i.to, t, rows.begin, arranged);
}

void Loop::run_one(const OrdinaryInstruction& i, Index t, RowRange rows) {
  const Graph::Node& node = program_.step.graph.nodes()[at(i.node)];
  std::vector<Tensor> inputs;
  for (const ValueId x : node.inputs) inputs.push_back(memory_.value_at(x, t, rows));
  std::vector<const Tensor*> pointers;
  for (const Tensor& x : inputs) pointers.push_back(&x);
  std::vector<Tensor> outputs(at(node.results));
  if (is_random(node.operation)) {
    draw(node, t, rows, pointers, outputs);
  } else if (i.packed >= 0) {
    const Index columns = program_.step.graph.spec(node.first).shape.back();
    outputs[0] = times_packed(inputs[0], packed_[at(i.packed)], columns);
  } else {
    const Operation& kernel = kernel_of(program_, node);
    const bool all = rows.count() == batch_;
    execute(all ? kernel : with_rows(kernel, program_.rows, node.first, rows.count()), pointers,
            outputs);
  }
  for (int k = 0; k < node.results; k++) {
    memory_.set_made(node.first + k, outputs[at(k)], rows);
  }
}

// Numbers belong to the rows of the caller, also where these are sorted and some are left out.
void Loop::draw(const Graph::Node& node, Index t, RowRange rows,
                std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const Draws& draws = in_.draws;
  const Index k = draws.reverse ? in_.rows.busy_steps() - 1 - t : t;
  const std::uint64_t number =
      draws.first + static_cast<std::uint64_t>(k * draws.each) + draw_of(node.operation).draw;
  const Operation drawn = with_draw(node.operation, {draws.seed, number});
  const int axis = program_.rows.axis_of(node.first);
  const bool some = rows.count() < batch_;
  if (some && axis == 0 && in_.rows.whole() && draws_by_position(drawn)) {
    const Index each = program_.step.graph.spec(node.first).shape.count() / batch_;
    const Operation theirs = starting_at(drawn, rows.begin * each);
    return execute(with_rows(theirs, program_.rows, node.first, rows.count()), inputs, outputs);
  }
  execute(drawn, inputs, outputs);
  if (axis == Rows::kNone || (in_.rows.whole() && !some)) return;
  const Index each = program_.rows.each_of(node.first);
  outputs[0] = slice(in_.rows.sorted(outputs[0], axis), axis, rows.begin * each, rows.end * each);
}

void Loop::accumulate(Index t) {
  for (std::size_t i = 0; i < accumulated_.size(); i++) {
    const ValueId sum = program_.step.sums[at(program_.fates.accumulated[i])];
    const Index rows = in_.rows.rows_at(t);
    const Tensor x = memory_.value_at(sum, t, {0, rows});
    const int axis = program_.rows.axis_of(sum);
    const Index entries = rows * program_.rows.each_of(sum);
    Tensor& total = accumulated_[i];
    total = axis == Rows::kNone ? std::move(total) + x
                                : slice_add(std::move(total), x, axis, 0, entries);
  }
}

void Loop::accumulate_rows(Index t, RowRange rows) {
  for (std::size_t i = 0; i < accumulated_.size(); i++) {
    accumulated_[i].dtype() == float32 ? accumulate_rows<float>(i, t, rows)
                                       : accumulate_rows<double>(i, t, rows);
  }
}
template <class T>
void Loop::accumulate_rows(std::size_t i, Index t, RowRange rows) {
  const Place place = *program_.place(program_.step.sums[at(program_.fates.accumulated[i])]);
  const Index columns = accumulated_[i].size() / batch_;
  T* const totals = reinterpret_cast<T*>(totals_[i]);
  for (Index row = rows.begin; row < rows.end; row++) {
    const T* const x = reinterpret_cast<const T*>(memory_.address(place, t, row));
    T* const total = totals + row * columns;
    for (Index k = 0; k < columns; k++) total[k] += x[k];
  }
}

}  // namespace rw::engine
