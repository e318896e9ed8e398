#include "rewind/autograd/engine/uses.h"

#include <algorithm>

#include "rewind/autograd/engine/rewind.h"
#include "rewind/autograd/engine/step/replay.h"
#include "rewind/autograd/sequence.h"
#include "rewind/tensor/error.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;

// A written step in which the uses of some invariants are leaves of their own.
class Separated {
 public:
  Separated(const Traced& written, const std::vector<bool>& asked) : written_(written) {
    const Graph& from = written.trace.graph;
    const auto& captured = written.trace.captured;
    image_.assign(at(from.values()), -1);
    invariant_.assign(at(from.values()), -1);
    for (std::size_t i = 0; i < captured.size(); i++) {
      if (asked[i]) invariant_[at(captured[i])] = static_cast<int>(i);
    }
    refuse_scans_inside();
    for (ValueId v = 0; v < from.values(); v++) {
      if (!from.maker(v) && invariant_[at(v)] < 0) image_[at(v)] = graph_.leaf(from.spec(v));
    }
    for (const Graph::Node& node : from.nodes()) {
      std::vector<ValueId> inputs;
      for (const ValueId x : node.inputs) inputs.push_back(used(x));
      const ValueId first = graph_.append(node.operation, std::move(inputs), node.results);
      for (int i = 0; i < node.results; i++) image_[at(node.first + i)] = first + i;
    }
    for (const ValueId y : written.trace.results) results_.push_back(used(y));
  }

  // The invariant that is used, by use.
  const std::vector<std::size_t>& uses() const { return uses_; }

  // The written results, given captured tensors, one tensor per use, and the arguments.
  Tensors operator()(const Tensors& captured, const Tensors& used, const Tensors& given) const {
    Tensors by_leaf(at(graph_.values()));
    const auto place = [&](const std::vector<ValueId>& leaves, const Tensors& tensors) {
      for (std::size_t i = 0; i < leaves.size(); i++) {
        const ValueId leaf = image_[at(leaves[i])];
        if (leaf >= 0) by_leaf[at(leaf)] = tensors[i];
      }
    };
    place(written_.trace.captured, captured);
    place(written_.trace.arguments, given);
    for (std::size_t i = 0; i < used.size(); i++) by_leaf[at(leaves_[i])] = used[i];
    Tensors leaves;
    for (ValueId v = 0; v < graph_.values(); v++) {
      if (!graph_.maker(v)) leaves.push_back(by_leaf[at(v)]);
    }
    const Tensors values = replay(graph_, leaves);
    Tensors results;
    for (const ValueId y : results_) results.push_back(values[at(y)]);
    return results;
  }

 private:
  ValueId used(ValueId value) {
    const int invariant = invariant_[at(value)];
    if (invariant < 0) return image_[at(value)];
    uses_.push_back(static_cast<std::size_t>(invariant));
    leaves_.push_back(graph_.leaf(written_.trace.graph.spec(value)));
    return leaves_.back();
  }

  // Such a scan would be one use, where its steps have many.
  void refuse_scans_inside() const {
    std::vector<bool> depends(image_.size());
    for (std::size_t v = 0; v < depends.size(); v++) depends[v] = invariant_[v] >= 0;
    for (const Graph::Node& node : written_.trace.graph.nodes()) {
      const bool any = std::any_of(node.inputs.begin(), node.inputs.end(),
                                   [&](ValueId x) { return depends[at(x)]; });
      require<GradientError>(!(any && is_scan(node.operation)),
                             "backward: per_use names what a scan inside the step of another scan "
                             "depends on, whose uses are not told apart there; run the outer one "
                             "in a PlainLoops scope");
      for (int i = 0; i < node.results; i++) depends[at(node.first + i)] = any;
    }
  }

  const Traced& written_;
  Graph graph_;
  std::vector<int> invariant_;   // by written value: which one, if it is asked for
  std::vector<ValueId> image_;   // by written value; -1 for those
  std::vector<ValueId> leaves_;  // by use
  std::vector<std::size_t> uses_;
  std::vector<ValueId> results_;
};

// The step whose inputs are the uses, the written inputs and, where rows end before others, which
// of them count. It takes all rows through all steps, and holds those that have ended as a plain
// loop does: the gradient of a use is a sum over rows, and outputs that are none the schedule of
// rows has no place for.
Step step_of_uses(const Traced& written, const Separated& separated, const ScanInputs& in,
                  const Tensor& active, Index row_that_counts) {
  std::vector<Spec> specs;
  for (const Tensor& x : in.invariants) specs.push_back(x.spec());
  for (const std::size_t i : separated.uses()) specs.push_back(in.invariants[i].spec());
  if (active.defined()) specs.push_back(active.spec().with_shape(active.shape().without(0)));
  for (const Tensor& x : in.inputs) specs.push_back(x.spec().with_shape(x.shape().without(0)));
  for (const Tensor& x : in.initial) specs.push_back(x.spec());

  const Trace traced = trace(specs, [&](const Tensors& arguments) {
    auto next = arguments.begin();
    const auto take = [&](std::size_t count) {
      const auto first = next;
      next += static_cast<std::ptrdiff_t>(count);
      return Tensors(first, next);
    };
    const Tensors captured = take(in.invariants.size()), used = take(separated.uses().size());
    const Tensor counting = active.defined() ? *next++ : Tensor();
    Tensors given(next, arguments.end());
    if (!active.defined()) return separated(captured, used, given);
    const Tensors old(given.end() - std::ssize(in.initial), given.end());
    for (Tensor& x : given) x = fill_rows(counting, x, row_that_counts);
    Tensors results = separated(captured, used, given);
    for (std::size_t i = 0; i < results.size(); i++) {
      results[i] = i < old.size() ? select_rows(counting, results[i], old[i])
                                  : keep_rows(counting, results[i]);
    }
    return results;
  });

  Step step;
  const auto first_input = traced.arguments.begin() + std::ssize(in.invariants);
  const auto first_state = traced.arguments.end() - std::ssize(in.initial);
  const auto first_output = traced.results.begin() + static_cast<std::ptrdiff_t>(written.states);
  step.graph = traced.graph;
  step.invariants.assign(traced.arguments.begin(), first_input);
  step.inputs.assign(first_input, first_state);
  step.input_rows.assign(step.inputs.size(), 0);
  std::fill_n(step.input_rows.begin(), separated.uses().size(), Rows::kNone);
  step.states.assign(first_state, traced.arguments.end());
  step.next.assign(traced.results.begin(), first_output);
  step.outputs.assign(first_output, traced.results.end());
  step.output_rows.assign(step.outputs.size(), 0);
  return step;
}

Tensor at_every_step(const Tensor& x, Index time) { return expand(x, x.shape().with_front(time)); }

Tensors first_steps(const Tensors& tensors, Index time) {
  Tensors result;
  for (const Tensor& x : tensors) {
    result.push_back(x.defined() && x.dim(0) != time ? slice(x, 0, 0, time) : x);
  }
  return result;
}

}  // namespace

std::vector<Term> terms_of_uses(const Scan& scan, const ScanInputs& in, const ScanResults& arriving,
                                const std::vector<bool>& asked) {
  const Separated separated(*scan.written, asked);
  const RowSchedule& rows = *scan.rows;
  const Index time = rows.busy_steps(), batch = rows.batch();
  if (time == 0) return {};
  const Tensor active = rows.whole() ? Tensor() : slice(rows.active(), 0, 0, time);

  ScanInputs all{in.invariants, {}, in.initial};
  for (const std::size_t i : separated.uses()) {
    all.inputs.push_back(at_every_step(in.invariants[i], time));
  }
  if (active.defined()) all.inputs.push_back(active);
  for (const Tensor& x : first_steps(in.inputs, time)) all.inputs.push_back(x);

  Followed followed{std::vector<bool>(all.invariants.size()), std::vector<bool>(all.inputs.size()),
                    true};
  std::fill_n(followed.inputs.begin(), separated.uses().size(), true);
  const Step step = step_of_uses(*scan.written, separated, in, active, rows.longest_row());
  const Scan again{std::make_shared<const Recurrence>(step, batch, followed),
                   std::make_shared<const RowSchedule>(time, batch), scan.reverse, scan.draws};

  const PreparedInputs prepared = prepare(*again.recurrence, all);
  const Kept kept{prepared.in.invariants, prepared.in.inputs, apply_prepared(again, prepared).kept};
  ScanResults gradients{arriving.last, first_steps(arriving.outputs, time), {}};
  gradients.outputs.resize(again.recurrence->step().outputs.size());
  const ScanGradients found = rewind_scan(
      again, kept, gradients, std::vector<bool>(prepared.in.invariants.size()), followed.inputs);

  std::vector<Term> terms;
  for (Index k = time; k-- > 0;) {
    const Index t = scan.reverse ? time - 1 - k : k;
    for (std::size_t use = separated.uses().size(); use-- > 0;) {
      const Tensor& dw = found.inputs[use];
      if (dw.defined()) terms.push_back({separated.uses()[use], dw[t]});
    }
  }
  return terms;
}

}  // namespace rw::engine
