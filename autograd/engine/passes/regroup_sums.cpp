#include <algorithm>

#include "rewind/autograd/engine/passes/canonical.h"
#include "rewind/autograd/engine/step/facts.h"
#include "rewind/autograd/engine/step/simplify.h"
#include "rewind/tensor/arithmetic.h"

namespace rw::engine {
namespace {

// What comparisons and positions are made of. The derivative of a maximum asks which element equals
// it: made again in another order, none might.
std::vector<bool> compared_values(const Step& step) {
  const Graph& graph = step.graph;
  std::vector<bool> compared(static_cast<std::size_t>(graph.values()), false);
  const auto& nodes = graph.nodes();
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    const bool compares = !is_float(graph.spec(node->first).dtype);
    const bool passes_on =
        compared[at(node->first)] && is_light(node->operation);  // the rest is not made again
    if (!compares && !passes_on) continue;
    for (const ValueId x : node->inputs) compared[at(x)] = true;
  }
  return compared;
}

class Regroup {
 public:
  explicit Regroup(const Step& step)
      : step_(step),
        depends_(dependences(step)),
        users_(users_of(step.graph, live_values(step.graph, step.results()))),
        results_(step.results()),
        compared_(compared_values(step)) {}

  ValueId operator()(Rewriting& r, const Graph::Node& node) const {
    if (!node.operation.is<Add>() || compared_[at(node.first)]) return -1;
    std::vector<ValueId> terms;
    collect(node, terms);
    if (terms.size() < 3) return -1;
    std::stable_sort(terms.begin(), terms.end(),
                     [&](ValueId a, ValueId b) { return of(a) < of(b); });
    ValueId total = -1;
    for (const ValueId term : terms) {
      total = total < 0 ? r.of(term) : simplified(r.to.graph, Add{}, {total, r.of(term)});
    }
    return total;
  }

 private:
  Dependence of(ValueId value) const { return depends_[at(value)]; }

  // The terms of a sum of sums: of those that nobody else wants, and that have its shape.
  void collect(const Graph::Node& node, std::vector<ValueId>& terms) const {
    for (const ValueId x : node.inputs) {
      const Graph::Node* inner = step_.graph.maker(x);
      const bool alone = users_[at(x)].size() == 1 && !contains(results_, x);
      if (inner && inner->operation.is<Add>() && alone &&
          step_.graph.spec(x) == step_.graph.spec(node.first)) {
        collect(*inner, terms);
      } else {
        terms.push_back(x);
      }
    }
  }

  const Step& step_;
  std::vector<Dependence> depends_;
  std::vector<std::vector<int>> users_;
  std::vector<ValueId> results_;
  std::vector<bool> compared_;  // by value
};

}  // namespace

Step regroup_sums(const Step& step) {
  const Regroup regroup(step);
  return rewrite(step, [&](Rewriting& r, const Graph::Node& node) { return regroup(r, node); });
}

}  // namespace rw::engine
