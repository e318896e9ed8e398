#include <map>

#include "rewind/autograd/engine/passes/canonical.h"
#include "rewind/autograd/engine/step/simplify.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

// Products that become one, and where each stands in it.
struct Joined {
  std::vector<const Graph::Node*> products;
  ValueId product = -1;  // in the new graph
};

struct Place {
  Joined* joined;
  Index from, to;
};

// A right operand is invariant, so it can be made as soon as the first of the products is met, in
// whatever order the old graph makes them.
ValueId made_now(Rewriting& r, ValueId value) {
  if (r.of(value) >= 0) return r.of(value);
  const Graph::Node& node = *r.from.graph.maker(value);
  for (const ValueId x : node.inputs) made_now(r, x);
  copy(r, node);
  return r.of(value);
}

ValueId joined_product(Rewriting& r, Joined& joined) {
  if (joined.product >= 0) return joined.product;
  std::vector<ValueId> right;
  for (const Graph::Node* node : joined.products) right.push_back(made_now(r, node->inputs[1]));
  const ValueId left = r.of(joined.products[0]->inputs[0]);
  const ValueId all = simplified(r.to.graph, Concat{1}, right);
  return joined.product = simplified(r.to.graph, MatMul{}, {left, all});
}

}  // namespace

Step join_products(const Step& step) {
  const Graph& graph = step.graph;
  const std::vector<Dependence> depends = dependences(step);
  const std::vector<bool> live = live_values(graph, step.results());
  const std::vector<bool> to_next = live_values(graph, step.next);

  std::map<std::pair<ValueId, bool>, Joined> groups;
  for (const Graph::Node& node : graph.nodes()) {
    if (!live[at(node.first)] || !node.operation.is<MatMul>()) continue;
    const ValueId left = node.inputs[0], right = node.inputs[1];
    if (depends[at(left)] == Dependence::nothing || depends[at(right)] != Dependence::nothing) {
      continue;
    }
    if (graph.spec(right).rank() != 2) continue;
    groups[{left, to_next[at(node.first)]}].products.push_back(&node);
  }

  std::map<ValueId, Place> places;
  for (auto& [key, joined] : groups) {
    if (joined.products.size() < 2) continue;
    Index column = 0;
    for (const Graph::Node* node : joined.products) {
      const Index width = graph.spec(node->inputs[1]).shape.back();
      places[node->first] = {&joined, column, column + width};
      column += width;
    }
  }
  if (places.empty()) return step;

  return rewrite(step, [&](Rewriting& r, const Graph::Node& node) -> ValueId {
    const auto place = places.find(node.first);
    if (place == places.end()) return -1;
    const ValueId whole = joined_product(r, *place->second.joined);
    const Index axis = r.to.graph.spec(whole).rank() - 1;
    return simplified(r.to.graph, Slice{axis, place->second.from, place->second.to, 1}, {whole});
  });
}

}  // namespace rw::engine
