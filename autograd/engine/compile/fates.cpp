#include "rewind/autograd/engine/compile/fates.h"

#include <algorithm>

#include "rewind/autograd/engine/derive/min_cut.h"
#include "rewind/autograd/engine/step/facts.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/joining.h"

namespace rw::engine {
namespace {

class Judge {
 public:
  Judge(const Step& step, const Rows& rows, const FateOptions& options)
      : step_(step),
        graph_(step.graph),
        nodes_(step.graph.nodes()),
        rows_(rows),
        options_(options),
        depends_(dependences(step)),
        live_(live_values(step.graph, step.results())),
        to_next_(live_values(step.graph, step.next)),
        users_(users_of(step.graph, live_)),
        fate_(nodes_.size(), Fate::dead) {
    const std::vector<ValueId> results = step.results();
    result_.assign(at(graph_.values()), false);
    for (const ValueId y : results) result_[at(y)] = true;
  }

  Fates run() && {
    for (std::size_t n = 0; n < nodes_.size(); n++) {
      if (is_live(nodes_[n], live_)) fate_[n] = Fate::loop;
    }
    if (options_.hoist) hoist();
    if (options_.sink) sink();
    drop_unused();
    Fates fates{std::move(fate_), {}, {}};
    fates.stacked = stacked(fates.node);
    for (std::size_t i = 0; i < step_.sums.size(); i++) {
      if (!sunk(fates.node, step_.sums[i])) fates.accumulated.push_back(static_cast<int>(i));
    }
    return fates;
  }

 private:
  Dependence depends(const Graph::Node& node) const { return depends_[at(node.first)]; }
  int node_of(ValueId value) const { return graph_.node_of(value); }

  // Whether the operation, given the rows of all steps at once, gives those of all steps.
  bool liftable(std::size_t n) const {
    const Graph::Node& node = nodes_[n];
    if (node.results != 1 || rows_.effect[n] == RowEffect::mixed) return false;
    if (is_random(node.operation)) return false;
    return std::none_of(node.inputs.begin(), node.inputs.end(), [&](ValueId x) {
      const bool has_rows = rows_.axis_of(x) != Rows::kNone;
      // Without rows, but another one at every step.
      if (depends_[at(x)] != Dependence::nothing) return !has_rows && !rows_.is_total(x);
      // Rows that are the same at every step: those of all steps would be repetitions of them. What
      // is made from nothing can be made for any number of rows.
      const Graph::Node* maker = graph_.maker(x);
      return has_rows && !(maker && maker->inputs.empty());
    });
  }

  template <class F>
  bool all_users(const Graph::Node& node, F f) const {
    const auto& users = users_[at(node.first)];
    return std::all_of(users.begin(), users.end(), [&](int user) { return f(at(user)); });
  }

  void hoist() {
    std::vector<bool> can(nodes_.size(), false);
    for (std::size_t n = 0; n < nodes_.size(); n++) {
      if (fate_[n] != Fate::loop || depends(nodes_[n]) != Dependence::input) continue;
      if (!liftable(n) || rows_.effect[n] != RowEffect::apart) continue;
      if (rows_.axis_of(nodes_[n].first) != 0) continue;  // a step's part would not lie together
      const auto& in = nodes_[n].inputs;
      can[n] = std::all_of(in.begin(), in.end(), [&](ValueId x) {
        return depends_[at(x)] == Dependence::nothing || node_of(x) < 0 || can[at(node_of(x))];
      });
    }
    for (std::size_t n = nodes_.size(); n-- > 0;) {
      if (!can[n]) continue;
      const bool leads =
          !all_users(nodes_[n], [&](std::size_t u) { return fate_[u] != Fate::before; });
      const bool worth_it = !is_light(nodes_[n].operation) || numbers_a_mask(nodes_[n]);
      if (worth_it || leads) fate_[n] = Fate::before;
    }
    for (std::size_t n = 0; n < nodes_.size(); n++) {
      if (can[n] && fate_[n] == Fate::loop && joins_without_a_stack(nodes_[n])) {
        fate_[n] = Fate::before;
      }
    }
  }

  bool numbers_a_mask(const Graph::Node& node) const {
    return node.operation.is<Convert>() && graph_.spec(node.inputs[0]).dtype == boolean;
  }

  // A view of what was hoisted, or element-wise work that alone reads it.
  bool joins_without_a_stack(const Graph::Node& node) const {
    if (!is_view(node.operation) && !is_elementwise(node.operation)) return false;
    bool any = false;
    for (const ValueId x : node.inputs) {
      if (depends_[at(x)] == Dependence::nothing) continue;
      const int maker = node_of(x);
      if (maker < 0 || fate_[at(maker)] != Fate::before) return false;
      if (!is_view(node.operation) && users_[at(x)].size() != 1) return false;
      any = true;
    }
    return any;
  }

  void sink() {
    std::vector<bool> can(nodes_.size(), false);
    for (std::size_t n = nodes_.size(); n-- > 0;) {
      if (fate_[n] != Fate::loop || depends(nodes_[n]) == Dependence::nothing) continue;
      if (to_next_[at(nodes_[n].first)] || !liftable(n)) continue;
      // What adds rows up is, given those of all steps, the sum over the steps: no output of each.
      const bool adds = rows_.effect[n] == RowEffect::added;
      const ValueId y = nodes_[n].first;
      if (adds ? contains(step_.outputs, y) : contains(step_.sums, y)) continue;
      can[n] = all_users(nodes_[n], [&](std::size_t u) { return can[u]; });
    }
    keep_totals_together(can);
    for (std::size_t n = 0; n < nodes_.size(); n++) {
      if (!can[n]) continue;
      const auto& in = nodes_[n].inputs;
      const bool stands_on_sunk = std::any_of(in.begin(), in.end(), [&](ValueId x) {
        return node_of(x) >= 0 && fate_[at(node_of(x))] == Fate::after;
      });
      if (!is_light(nodes_[n].operation) || stands_on_sunk) fate_[n] = Fate::after;
    }
    move_boundary(can);
    leave_joins_in_the_loop();
  }

  // What is linear in sums over rows gives a sum over all steps only if these are such sums, too.
  void keep_totals_together(std::vector<bool>& can) const {
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t n = 0; n < nodes_.size(); n++) {
        if (!can[n]) continue;
        const auto& in = nodes_[n].inputs;
        const bool apart = std::any_of(in.begin(), in.end(), [&](ValueId x) {
          return rows_.is_total(x) && !can[at(node_of(x))];
        });
        if (!apart && all_users(nodes_[n], [&](std::size_t u) { return can[u]; })) continue;
        can[n] = false;
        changed = true;
      }
    }
  }

  bool sunk(const std::vector<Fate>& fate, ValueId value) const {
    return node_of(value) >= 0 && runs_after(fate[at(node_of(value))]);
  }

  // Light operations that nothing in the loop needs run after it, where their operands are fewer
  // numbers than their results.
  void move_boundary(const std::vector<bool>& can) {
    CutProblem problem;
    for (ValueId v = 0; v < graph_.values(); v++) {
      const int n = node_of(v);
      const bool free = depends_[at(v)] == Dependence::nothing || n < 0
                            ? stands_outside(v)
                            : fate_[at(n)] == Fate::before;
      const bool movable = n >= 0 && can[at(n)] && fate_[at(n)] == Fate::loop;
      const double arranged = rows_.axis_of(v) > 0 ? 0.5 : 0;  // rather what it was arranged from
      problem.prices.push_back(static_cast<double>(graph_.spec(v).shape.count()) + arranged);
      problem.read.push_back(!free && !(n >= 0 && fate_[at(n)] == Fate::after) && read_after(v));
      problem.source.push_back(!free && !movable);
      problem.inputs.push_back(movable ? nodes_[at(n)].inputs : std::vector<ValueId>());
    }
    const std::vector<int> cut = min_cut(problem);
    std::vector<bool> stays(at(graph_.values()), false);
    for (const int v : cut) stays[at(v)] = true;
    for (std::size_t n = nodes_.size(); n-- > 0;) {
      const ValueId y = nodes_[n].first;
      if (!can[n] || fate_[n] != Fate::loop || stays[at(y)] || !read_after(y)) continue;
      const bool in_loop_too =
          !all_users(nodes_[n], [&](std::size_t u) { return !runs_in_loop(fate_[u]); });
      fate_[n] = in_loop_too ? Fate::both : Fate::after;
    }
  }

  // Values side by side cost nothing where they are made, and after the loop a copy of all steps.
  void leave_joins_in_the_loop() {
    for (std::size_t n = 0; n < nodes_.size(); n++) {
      const auto* join = nodes_[n].operation.as<Concat>();
      if (fate_[n] != Fate::after || !join || rows_.axis_of(nodes_[n].first) != 0) continue;
      if (join->axis != 1 || rows_.effect[n] != RowEffect::apart) continue;
      const auto& in = nodes_[n].inputs;
      const bool of_the_loop = std::all_of(in.begin(), in.end(), [&](ValueId x) {
        return node_of(x) >= 0 && fate_[at(node_of(x))] == Fate::loop &&
               depends_[at(x)] == Dependence::state;
      });
      if (of_the_loop) fate_[n] = Fate::loop;
    }
  }

  // Inputs and invariants can be read after the loop as well as in it; states cannot.
  bool stands_outside(ValueId leaf) const { return !contains(step_.states, leaf); }
  bool read_after(ValueId value) const {
    const auto& users = users_[at(value)];
    return std::any_of(users.begin(), users.end(),
                       [&](int user) { return runs_after(fate_[at(user)]); });
  }

  // What is read only by what has moved away from where it was.
  void drop_unused() {
    for (std::size_t n = nodes_.size(); n-- > 0;) {
      if (fate_[n] != Fate::loop || depends(nodes_[n]) == Dependence::nothing) continue;
      bool read = false;
      for (int i = 0; i < nodes_[n].results; i++) {
        const ValueId y = nodes_[n].first + i;
        read |= result_[at(y)];
        for (const int user : users_[at(y)]) read |= fate_[at(user)] != Fate::dead;
      }
      if (!read) fate_[n] = Fate::dead;
    }
  }

  std::vector<bool> stacked(const std::vector<Fate>& fate) const {
    std::vector<bool> found(at(graph_.values()), false);
    const auto in_loop = [&](ValueId v) {
      const int n = node_of(v);
      return n >= 0 ? fate[at(n)] == Fate::loop && depends_[at(v)] != Dependence::nothing
                    : !stands_outside(v);
    };
    for (ValueId v = 0; v < graph_.values(); v++) {
      const auto& users = users_[at(v)];
      found[at(v)] = in_loop(v) && std::any_of(users.begin(), users.end(), [&](int user) {
                       return runs_after(fate[at(user)]);
                     });
    }
    for (const ValueId y : step_.outputs) found[at(y)] = found[at(y)] || in_loop(y);
    return found;
  }

  const Step& step_;
  const Graph& graph_;
  const std::vector<Graph::Node>& nodes_;
  const Rows& rows_;
  const FateOptions& options_;
  const std::vector<Dependence> depends_;
  const std::vector<bool> live_, to_next_;
  const std::vector<std::vector<int>> users_;
  std::vector<bool> result_;
  std::vector<Fate> fate_;
};

}  // namespace

Fates fates_of(const Step& step, const Rows& rows, const FateOptions& options) {
  return Judge(step, rows, options).run();
}

}  // namespace rw::engine
