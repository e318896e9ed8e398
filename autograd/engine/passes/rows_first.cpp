// (W d^T)^T is d W^T: of a product with an invariant on its left, which derivatives of derivatives
// of weights are made of, the transpose has the rows of the batch first, as states and inputs have
// them, and can be lifted and kept.
#include "rewind/autograd/engine/passes/canonical.h"
#include "rewind/autograd/engine/simplify.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

ValueId transposed(Rewriting& r, ValueId value) {
  return simplified(r.to.graph, Permute{{1, 0}}, {r.of(value)});
}

}  // namespace

Step rows_first(const Step& step) {
  const std::vector<Dependence> depends = dependences(step);
  const auto invariant = [&](ValueId x) {
    return depends[static_cast<std::size_t>(x)] == Dependence::nothing;
  };
  return rewrite(step, [&](Rewriting& r, const Graph::Node& node) -> ValueId {
    const auto* permute = node.operation.as<Permute>();
    if (!permute || !(permute->order == Dims{1, 0})) return -1;
    const Graph::Node* product = step.graph.maker(node.inputs[0]);
    if (!product || !product->operation.is<MatMul>()) return -1;
    const ValueId a = product->inputs[0], b = product->inputs[1];
    const bool matrices = step.graph.spec(a).rank() == 2 && step.graph.spec(b).rank() == 2;
    if (!matrices || !invariant(a) || invariant(b)) return -1;
    const ValueId left = transposed(r, b), right = transposed(r, a);
    return simplified(r.to.graph, MatMul{}, {left, right});
  });
}

}  // namespace rw::engine
