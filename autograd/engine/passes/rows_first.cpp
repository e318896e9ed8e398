// A step may have its rows side by side, z = W h^T + V x^T, and derivatives of derivatives of
// weights are made of such products. What is made of transposes, by products with an invariant on
// their left, element-wise work, slices and joins, is made as its own transpose, h W^T + x V^T:
// there rows of the batch come first, as states and inputs have them, and can be lifted, kept and
// multiplied by packed weights.
#include <algorithm>

#include "rewind/autograd/engine/passes/canonical.h"
#include "rewind/autograd/engine/step/facts.h"
#include "rewind/autograd/engine/step/simplify/rules.h"
#include "rewind/tensor/matmul.h"

namespace rw::engine {
namespace {

class Turning {
 public:
  explicit Turning(const Step& step)
      : graph_(step.graph),
        depends_(dependences(step)),
        turned_(static_cast<std::size_t>(step.graph.values()), -1) {}

  // The image of a node's value, as `rewrite` wants it.
  ValueId operator()(Rewriting& r, const Graph::Node& node) {
    if (node.results != 1 || rank(node.first) != 2) return -1;
    if (is_transpose(node)) return image_of_transpose(r, node);
    ValueId& turned = turned_[at(node.first)];
    if (node.operation.is<MatMul>()) {
      if (is_turned_product(node)) turned = product(r, node);
    } else if (are_turned(node)) {
      const std::optional<Operation> operation =
          is_elementwise(node.operation) ? node.operation : across(node.operation);
      if (operation) turned = with_inputs(r, node, *operation);
    }
    return turned < 0 ? -1 : simplified(r.to.graph, Permute{{1, 0}}, {turned});
  }

 private:
  int rank(ValueId value) const { return graph_.spec(value).rank(); }
  bool invariant(ValueId value) const { return depends_[at(value)] == Dependence::nothing; }
  bool is_turned(ValueId value) const { return turned_[at(value)] >= 0; }
  static bool is_transpose(const Graph::Node& node) {
    const auto* permute = node.operation.as<Permute>();
    return permute && permute->order == Dims{1, 0};
  }

  bool is_product_with_invariant(const Graph::Node& node) const {
    const ValueId a = node.inputs[0], b = node.inputs[1];
    return rank(a) == 2 && rank(b) == 2 && invariant(a) && !invariant(b);
  }
  bool is_turned_product(const Graph::Node& node) const {
    return is_product_with_invariant(node) && is_turned(node.inputs[1]);
  }
  // Some are, and the others are the same at every step.
  bool are_turned(const Graph::Node& node) const {
    const auto& in = node.inputs;
    return std::any_of(in.begin(), in.end(), [&](ValueId x) { return is_turned(x); }) &&
           std::all_of(in.begin(), in.end(),
                       [&](ValueId x) { return is_turned(x) || (invariant(x) && rank(x) <= 2); });
  }

  ValueId image_of_transpose(Rewriting& r, const Graph::Node& node) {
    const ValueId x = node.inputs[0];
    if (is_turned(x)) return turned_[at(x)];
    const Graph::Node* maker = graph_.maker(x);
    if (maker && maker->operation.is<MatMul>() && is_product_with_invariant(*maker)) {
      return product(r, *maker);
    }
    if (!invariant(x)) turned_[at(node.first)] = r.of(x);
    return -1;
  }

  ValueId product(Rewriting& r, const Graph::Node& node) {
    return simplified(r.to.graph, MatMul{},
                      {transposed(r, node.inputs[1]), transposed(r, node.inputs[0])});
  }

  ValueId with_inputs(Rewriting& r, const Graph::Node& node, const Operation& operation) {
    std::vector<ValueId> inputs;
    for (const ValueId x : node.inputs) inputs.push_back(transposed(r, x));
    return simplified(r.to.graph, operation, std::move(inputs));
  }

  // What stands for the value where all is transposed.
  ValueId transposed(Rewriting& r, ValueId x) {
    if (is_turned(x)) return turned_[at(x)];
    if (rank(x) == 0) return r.of(x);
    if (rank(x) == 1) {
      return simplified(r.to.graph, Reshape{{graph_.spec(x).dim(0), 1}}, {r.of(x)});
    }
    return simplified(r.to.graph, Permute{{1, 0}}, {r.of(x)});
  }

  const Graph& graph_;
  const std::vector<Dependence> depends_;
  std::vector<ValueId> turned_;  // by value: its transpose in the new step; -1: not wanted
};

}  // namespace

Step rows_first(const Step& step) {
  Turning turning(step);
  return rewrite(step, [&](Rewriting& r, const Graph::Node& node) { return turning(r, node); });
}

}  // namespace rw::engine
