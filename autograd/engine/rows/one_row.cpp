#include "rewind/autograd/engine/rows/one_row.h"

#include <algorithm>
#include <set>

#include "rewind/autograd/engine/rows/row_rules.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

constexpr int kMostTrials = 200;  // each takes as long as following the rows once

// A value that a reshape makes, with the axes where it may have its row.
struct Choice {
  ValueId value;
  std::vector<int> axes;
};

// Empty for what is no reshape, and of what has no row.
std::vector<int> axes_of(const Graph& graph, const Rows& rows, const Graph::Node& node) {
  if (!node.operation.is<Reshape>() || rows.axis_of(node.inputs[0]) == Rows::kNone) return {};
  const ValueId x = node.inputs[0];
  return axes_after_reshape(graph.spec(x).shape, rows.axis_of(x), graph.spec(node.first).shape,
                            rows.batch);
}

class Search {
 public:
  Search(const Step& step, Rows rows)
      : step_(step), rows_(std::move(rows)), first_(first_mixing(step, rows_)) {}

  Rows run() {
    while (first_.where != Mixing::nothing && improves()) continue;
    return std::move(rows_);
  }

 private:
  // First with axes that hold the row alone: with one that holds what stands behind it, too, other
  // work may seem to be apart, and be far from it.
  bool improves() {
    const std::vector<Choice> choices = choices_before(first_);
    return improves_by(with_the_row_alone(choices)) || improves_by(choices);
  }

  bool improves_by(const std::vector<Choice>& choices) {
    if (improves_with(choices)) return true;
    return choices.size() > 1 && std::any_of(choices.begin(), choices.end(),
                                             [&](const Choice& c) { return improves_with({c}); });
  }

  std::vector<Choice> with_the_row_alone(std::vector<Choice> choices) const {
    for (Choice& c : choices) {
      std::erase_if(c.axes, [&](int axis) { return step_.graph.spec(c.value).dim(axis) != 1; });
    }
    return choices;
  }

  // With all of them at the same axis, as far as that would do.
  bool improves_with(const std::vector<Choice>& choices) {
    std::set<int> axes;
    for (const Choice& c : choices) axes.insert(c.axes.begin(), c.axes.end());
    return std::any_of(axes.begin(), axes.end(),
                       [&](int axis) { return improves_with(choices, axis); });
  }

  bool improves_with(const std::vector<Choice>& choices, int axis) {
    std::vector<int> chosen = rows_.chosen;
    bool changes = false;
    for (const Choice& c : choices) {
      if (std::find(c.axes.begin(), c.axes.end(), axis) == c.axes.end()) continue;
      changes |= rows_.axis_of(c.value) != axis;
      chosen[at(c.value)] = axis;
    }
    if (!changes || trials_++ >= kMostTrials) return false;
    Rows tried = rows_as_chosen(step_, rows_.batch, std::move(chosen));
    const Mixing first = first_mixing(step_, tried);
    if (first <= first_) return false;
    rows_ = std::move(tried);
    first_ = first;
    return true;
  }

  // The last reshapes with a choice on the ways to where rows are mixed.
  std::vector<Choice> choices_before(const Mixing& mixing) const {
    std::vector<ValueId> reached;
    if (mixing.where == Mixing::node) reached = step_.graph.nodes()[mixing.i].inputs;
    if (mixing.where == Mixing::output) reached = {step_.outputs[mixing.i]};
    if (mixing.where == Mixing::next) reached = {step_.next[mixing.i]};
    std::vector<Choice> found;
    std::set<ValueId> seen;
    while (!reached.empty()) {
      const ValueId value = reached.back();
      reached.pop_back();
      const Graph::Node* maker = step_.graph.maker(value);
      if (!maker || !has_row(value) || !seen.insert(value).second) continue;
      std::vector<int> axes = axes_of(step_.graph, rows_, *maker);
      if (axes.size() > 1) {
        found.push_back({value, std::move(axes)});
      } else {
        reached.insert(reached.end(), maker->inputs.begin(), maker->inputs.end());
      }
    }
    return found;
  }

  // Or had it, before it was added up along the axis that was taken for it.
  bool has_row(ValueId value) const {
    return rows_.axis_of(value) != Rows::kNone || rows_.is_total(value);
  }

  const Step& step_;
  Rows rows_;
  Mixing first_;
  int trials_ = 0;
};

// A rule for `rewrite`: of a reshape that has a choice, each reader but the first gets its own.
class ReshapesForReaders {
 public:
  ReshapesForReaders(const Step& step, const Rows& rows) : step_(step), rows_(rows) {}

  ValueId operator()(Rewriting& r, const Graph::Node& reader) {
    std::vector<ValueId> inputs;
    bool any = false;
    for (const ValueId x : reader.inputs) {
      const Graph::Node* maker = step_.graph.maker(x);
      const bool again = maker && has_choice(*maker) && !read_.insert(x).second;
      any |= again;
      inputs.push_back(again ? r.to.graph.append(maker->operation, {r.of(maker->inputs[0])})
                             : r.of(x));
    }
    return any ? r.to.graph.apply(reader.operation, std::move(inputs)) : -1;
  }

 private:
  bool has_choice(const Graph::Node& node) const {
    return axes_of(step_.graph, rows_, node).size() > 1;
  }

  const Step& step_;
  const Rows& rows_;
  std::set<ValueId> read_;
};

bool mixes(const Step& step, const Rows& rows) {
  return first_mixing(step, rows).where != Mixing::nothing;
}

}  // namespace

Step with_reshapes_for_one_row(Step step) {
  const Rows rows = rows_of(step, 1);
  if (!mixes(step, rows)) return step;
  Step changed = rewrite(step, ReshapesForReaders(step, rows));
  return mixes(changed, rows_of(changed, 1)) ? step : changed;
}

Rows by_what_is_done(const Step& step, Rows rows) { return Search(step, std::move(rows)).run(); }

}  // namespace rw::engine
