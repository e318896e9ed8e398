#include "rewind/autograd/engine/passes/canonical.h"
#include "rewind/autograd/engine/step/simplify.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

struct Split {
  const Step& step;
  const std::vector<Dependence> depends;

  Dependence of(ValueId value) const { return depends[at(value)]; }
  const Dims& shape(ValueId value) const { return step.graph.spec(value).shape; }

  // The parts of a concatenation of features, if they depend on different things.
  const std::vector<ValueId>* parts(ValueId value) const {
    const Graph::Node* node = step.graph.maker(value);
    const auto* concat = node ? node->operation.as<Concat>() : nullptr;
    if (!concat || concat->axis != shape(value).rank() - 1) return nullptr;
    for (const ValueId part : node->inputs) {
      if (of(part) != of(node->inputs[0])) return &node->inputs;
    }
    return nullptr;
  }

  ValueId operator()(Rewriting& r, const Graph::Node& node) const {
    if (!node.operation.is<MatMul>()) return -1;
    const ValueId b = node.inputs[1];
    if (of(b) != Dependence::nothing || shape(b).rank() != 2) return -1;
    const std::vector<ValueId>* split = parts(node.inputs[0]);
    if (!split) return -1;

    ValueId sum = -1;
    Index row = 0;
    for (std::size_t i = 0; i < split->size();) {  // neighbours that agree stay together
      std::vector<ValueId> together;
      const Index from = row;
      for (const Dependence d = of((*split)[i]); i < split->size() && of((*split)[i]) == d; i++) {
        together.push_back(r.of((*split)[i]));
        row += shape((*split)[i]).back();
      }
      Graph& graph = r.to.graph;
      const Index axis = graph.spec(together[0]).rank() - 1;
      const ValueId left = simplified(graph, Concat{axis}, together);
      const ValueId right = simplified(graph, Slice{0, from, row, 1}, {r.of(b)});
      const ValueId product = simplified(graph, MatMul{}, {left, right});
      sum = sum < 0 ? product : simplified(graph, Add{}, {sum, product});
    }
    return sum;
  }
};

}  // namespace

Step split_products(const Step& step) { return rewrite(step, Split{step, dependences(step)}); }

}  // namespace rw::engine
