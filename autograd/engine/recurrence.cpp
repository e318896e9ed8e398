#include "rewind/autograd/engine/recurrence.h"

#include <algorithm>

#include "rewind/autograd/engine/rows/one_row.h"

namespace rw::engine {
namespace {

// Which results of the prelude are made of an invariant that is followed.
std::vector<bool> followed_through(const Prelude& prelude, const std::vector<bool>& followed) {
  const Graph& graph = prelude.graph;
  std::vector<bool> reached(at(graph.values()), false);
  std::size_t leaf = 0;
  for (ValueId v = 0; v < graph.values(); v++) {
    if (!graph.maker(v)) reached[at(v)] = followed[leaf++];
  }
  for (const Graph::Node& node : graph.nodes()) {
    bool any = false;
    for (const ValueId x : node.inputs) any |= reached[at(x)];
    for (int i = 0; i < node.results; i++) reached[at(node.first + i)] = any;
  }
  std::vector<bool> result;
  for (const ValueId y : prelude.results) result.push_back(reached[at(y)]);
  return result;
}

std::vector<bool> floats(const Step& step, const std::vector<ValueId>& values,
                         const std::vector<bool>& wanted) {
  std::vector<bool> result;
  for (std::size_t i = 0; i < values.size(); i++) {
    result.push_back(wanted[i] && is_float(step.graph.spec(values[i]).dtype));
  }
  return result;
}

}  // namespace

Recurrence::Recurrence(const Step& step, Index batch, const Followed& followed,
                       const PlanOptions& options)
    : own_outputs_(step.outputs.size()), options_(options) {
  Canonical canonical_step = canonical(step, batch, options_.passes);
  prelude_ = std::move(canonical_step.prelude);
  Step& best = canonical_step.step;
  if (batch == 1) best = with_reshapes_for_one_row(std::move(best));
  if (followed.any) {
    wanted_.invariants =
        floats(best, best.invariants, followed_through(prelude_, followed.invariants));
    wanted_.inputs = floats(best, best.inputs, followed.inputs);
    wanted_.outputs.assign(best.outputs.size(), true);
    wanted_.sums.assign(best.sums.size(), true);
    const Backward backward = backward_of(best, wanted_, options_.keep);
    for (const Source& source : backward.inputs) {
      if (source.kind == Source::output) kept_.push_back(source.index);
    }
    for (std::size_t i = own_outputs_; i < best.outputs.size(); i++) {
      kept_.push_back(static_cast<int>(i));
    }
    std::sort(kept_.begin(), kept_.end());
    kept_.erase(std::unique(kept_.begin(), kept_.end()), kept_.end());
  }
  program_ = compile(std::move(best), batch, options_.program);
}

std::shared_ptr<const PlannedBackward> Recurrence::backward(const Wanted& wanted,
                                                            bool record) const {
  Key key = wanted.invariants;
  for (const Key* flags : {&wanted.inputs, &wanted.outputs, &wanted.sums}) {
    key.insert(key.end(), flags->begin(), flags->end());
  }
  key.push_back(record);
  const auto is_it = [&](const Known& known) { return known.key == key; };
  if (const auto known = backward_.find(is_it)) return known->planned;
  auto planned = plan_backward(wanted, record);
  if (!planned->wiring.constants.empty()) return planned;
  return backward_.add(std::make_shared<const Known>(Known{key, planned}), is_it)->planned;
}

std::shared_ptr<const PlannedBackward> Recurrence::plan_backward(const Wanted& wanted,
                                                                 bool record) const {
  Step forward = step();
  PlannedBackward planned{backward_of(forward, wanted, options_.keep), nullptr};
  require(forward.outputs.size() == step().outputs.size(),
          "scan: the backward step reads {} values that the forward step did not keep",
          forward.outputs.size() - step().outputs.size());
  Step& backward = planned.wiring.step;
  for (const Source& source : planned.wiring.inputs) {
    const auto i = at(source.index);
    backward.input_rows.push_back(source.kind == Source::input
                                      ? forward.input_rows[i]
                                      : program_.rows.axis_of(forward.outputs[i]));
  }
  for (const int k : planned.wiring.outputs) {
    backward.output_rows.push_back(forward.input_rows[at(k)]);
  }
  const Followed followed{std::vector<bool>(backward.invariants.size(), record),
                          std::vector<bool>(backward.inputs.size(), record), record};
  planned.recurrence = std::make_shared<Recurrence>(backward, batch(), followed, options_);
  backward = {};
  return std::make_shared<const PlannedBackward>(std::move(planned));
}

}  // namespace rw::engine
