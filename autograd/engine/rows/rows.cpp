#include "rewind/autograd/engine/rows/rows.h"

#include <algorithm>

#include "rewind/autograd/engine/rows/one_row.h"
#include "rewind/autograd/engine/rows/row_question.h"
#include "rewind/autograd/engine/rows/row_rules.h"
#include "rewind/autograd/engine/step/simplify.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/sum_to.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

constexpr int kNone = Rows::kNone;

// What is the same at every step, and read by no operation that tells, has the rows that a next
// state or an output has. (Where one number fills all of it, any rows are its own.)
void adopt_rows_of_results(const Step& step, Rows& rows, std::vector<bool>& settled) {
  RowAdoption adoption(step.graph, rows, settled);
  const auto adopt = [&](ValueId y, int axis) {
    if (!settled[at(y)] && axis != kNone && !filled_with(step.graph, y)) {
      adoption.adopts(y, axis, 1);
    }
  };
  for (const ValueId y : step.next) adopt(y, 0);
  for (std::size_t i = 0; i < step.output_rows.size(); i++) {
    adopt(step.outputs[i], step.output_rows[i]);
  }
}

// What turned out to have rows may have been read before, as something that has none: the mean of
// numbers that are drawn and used for each row, say. Such a reader looks at all rows.
void find_readers_taken_by_surprise(const Graph& graph, Rows& rows) {
  std::vector<bool> settled(at(graph.values()), true);
  for (std::size_t n = 0; n < graph.nodes().size(); n++) {
    const Graph::Node& node = graph.nodes()[n];
    const bool any = std::any_of(node.inputs.begin(), node.inputs.end(),
                                 [&](ValueId x) { return rows.axis_of(x) != kNone; });
    if (!any) continue;
    const RowAnswer now = rows_after(graph, node, rows, settled);
    bool as_before = now.effect == rows.effect[n];
    for (ValueId y = node.first; y < node.first + node.results; y++) {
      as_before = as_before && now.axis == rows.axis_of(y);
    }
    if (!as_before) rows.effect[n] = RowEffect::mixed;
  }
}

// Of these the axis of rows is known, or that there is none. It is not, before they are used, of an
// invariant, of what is made from nothing, and of what is made of these alone.
std::vector<bool> known_before_its_use(const Step& step) {
  const Graph& graph = step.graph;
  std::vector<bool> known(at(graph.values()), false);
  for (const ValueId x : step.inputs) known[at(x)] = true;
  for (const ValueId x : step.states) known[at(x)] = true;
  for (const Graph::Node& node : graph.nodes()) {
    const bool any = std::any_of(node.inputs.begin(), node.inputs.end(),
                                 [&](ValueId x) { return known[at(x)]; });
    for (int i = 0; i < node.results; i++) known[at(node.first + i)] = any;
  }
  return known;
}

void take_rows_of_ports(const Step& step, Rows& rows) {
  for (std::size_t i = 0; i < step.inputs.size(); i++) {
    const std::size_t x = at(step.inputs[i]);
    rows.axis[x] = step.input_rows[i];
    if (step.input_rows[i] == kNone || rows.batch == 0) continue;
    rows.each[x] = step.graph.spec(step.inputs[i]).dim(step.input_rows[i]) / rows.batch;
  }
  for (const ValueId x : step.states) rows.axis[at(x)] = 0;
}

// A state's rows are zeros, say, or drawn. Of what is made of these and of captured tensors nothing
// is known.
void take_rows_of_new_states(const Step& step, Rows& rows, std::vector<bool>& settled) {
  for (const ValueId y : step.next) {
    const Graph::Node* maker = step.graph.maker(y);
    const bool of_nothing = filled_with(step.graph, y) || !maker || maker->inputs.empty();
    if (settled[at(y)] || !of_nothing || step.graph.spec(y).rank() == 0) continue;
    rows.axis[at(y)] = 0;
    settled[at(y)] = true;
  }
}

void follow_nodes(const Graph& graph, Rows& rows, std::vector<bool>& settled) {
  const std::vector<bool> known = settled;
  std::vector<bool> mixed(settled.size(), false);
  for (const Graph::Node& node : graph.nodes()) {
    RowAnswer answer = rows_after(graph, node, rows, settled);
    for (const ValueId x : node.inputs) {
      if (answer.axis == kNone && mixed[at(x)]) answer = {RowEffect::mixed};
    }
    rows.effect.push_back(answer.effect);
    for (ValueId y = node.first; y < node.first + node.results; y++) {
      mixed[at(y)] = answer.effect == RowEffect::mixed;
      // Of invariants of which nothing is known yet: its rows show in its use.
      if (!known[at(y)] && answer.axis == kNone) continue;
      settled[at(y)] = true;
      rows.axis[at(y)] = answer.axis;
      rows.each[at(y)] = answer.each;
      rows.total[at(y)] = answer.effect == RowEffect::added;
    }
  }
}

}  // namespace

Rows rows_as_chosen(const Step& step, Index batch, std::vector<int> chosen) {
  const std::size_t values = at(step.graph.values());
  Rows rows{batch,
            std::vector<int>(values, kNone),
            std::vector<Index>(values, 1),
            std::vector<bool>(values),
            {},
            std::move(chosen)};
  std::vector<bool> settled = known_before_its_use(step);
  take_rows_of_ports(step, rows);
  take_rows_of_new_states(step, rows, settled);
  follow_nodes(step.graph, rows, settled);
  adopt_rows_of_results(step, rows, settled);
  find_readers_taken_by_surprise(step.graph, rows);
  return rows;
}

Rows rows_of(const Step& step, Index batch) {
  const std::vector<int> unchosen(at(step.graph.values()), kNone);
  Rows rows = rows_as_chosen(step, batch, unchosen);
  return batch == 1 ? by_what_is_done(step, std::move(rows)) : rows;
}

int axis_wanted(const Step& step, const Rows& rows, std::size_t output) {
  if (output < step.output_rows.size()) return step.output_rows[output];
  return std::max(rows.axis_of(step.outputs[output]), 0);
}

Mixing first_mixing(const Step& step, const Rows& rows) {
  const Graph& graph = step.graph;
  const std::vector<bool> live = live_values(graph, step.results());
  for (std::size_t n = 0; n < graph.nodes().size(); n++) {
    const Graph::Node& node = graph.nodes()[n];
    if (is_live(node, live) && rows.effect[n] == RowEffect::mixed) return {Mixing::node, n};
  }
  // What is the same at every step has the caller's rows in the caller's order, unless its use has
  // shown that they are to be sorted. Where one number fills all of it there is nothing to sort.
  const auto has_rows = [&](ValueId y, int axis) {
    const Spec& spec = graph.spec(y);
    const bool any = filled_with(graph, y) && spec.rank() > axis && spec.dim(axis) == rows.batch;
    return axis != kNone && (any || rows.axis_of(y) == axis);
  };
  for (std::size_t i = 0; i < step.outputs.size(); i++) {
    if (!has_rows(step.outputs[i], axis_wanted(step, rows, i))) return {Mixing::output, i};
  }
  for (std::size_t i = 0; i < step.next.size(); i++) {
    if (!has_rows(step.next[i], 0)) return {Mixing::next, i};
  }
  return {Mixing::nothing, 0};
}

namespace {

// An operation on its operands. Of one that puts a sum over rows beside rows, what adds them up.
std::string said(const Graph& graph, const Rows& rows, const Graph::Node& node) {
  for (const ValueId x : node.inputs) {
    if (rows.is_total(x) && graph.maker(x)) return said(graph, rows, *graph.maker(x));
  }
  std::string operands;
  for (const ValueId x : node.inputs) {
    operands += (operands.empty() ? " of " : ", ") + to_string(graph.spec(x));
  }
  return node.operation.text() + operands;
}

}  // namespace

std::string what_mixes_rows(const Step& step, const Rows& rows) {
  const Mixing mixing = first_mixing(step, rows);
  switch (mixing.where) {
    case Mixing::node:
      return said(step.graph, rows, step.graph.nodes()[mixing.i]);
    case Mixing::output: {
      const bool kept = mixing.i >= step.output_rows.size();
      return (kept ? "a value kept for the rewind " : "an output ") +
             to_string(step.graph.spec(step.outputs[mixing.i]));
    }
    case Mixing::next:
      return "a next state " + to_string(step.graph.spec(step.next[mixing.i]));
    case Mixing::nothing:
      break;
  }
  return {};
}

Operation with_rows(const Operation& operation, const Rows& rows, ValueId value, Index count) {
  const int axis = rows.axis_of(value);
  if (axis == kNone) return operation;
  const auto changed = [&](auto op) {
    op.shape = op.shape.with(axis, count * rows.each_of(value));
    return Operation::of(op);
  };
  if (const auto* op = operation.as<Reshape>()) return changed(*op);
  if (const auto* op = operation.as<Expand>()) return changed(*op);
  if (const auto* op = operation.as<SumTo>()) return changed(*op);
  if (const auto* op = operation.as<Full>()) return changed(*op);
  if (const auto* op = operation.as<SetRegion>()) {
    SetRegion region = *op;
    region.counts = region.counts.with(axis, count * rows.each_of(value));
    return Operation::of(region);
  }
  if (const auto* op = operation.as<Uniform>()) return changed(*op);
  if (const auto* op = operation.as<Normal>()) return changed(*op);
  if (const auto* op = operation.as<Bernoulli>()) return changed(*op);
  return operation;
}

}  // namespace rw::engine
