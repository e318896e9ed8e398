#include "rewind/autograd/engine/passes/canonical.h"
#include "rewind/autograd/engine/step/choose.h"
#include "rewind/autograd/engine/step/facts.h"
#include "rewind/autograd/engine/step/simplify.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/select.h"

namespace rw::engine {
namespace {

// Whether a mask is an input of the step, or something that it captured, as it came or arranged
// anew.
bool is_given(const Step& step, ValueId mask) {
  while (const Graph::Node* maker = step.graph.maker(mask)) {
    if (!is_view(maker->operation)) return false;
    mask = maker->inputs[0];
  }
  return step.graph.spec(mask).dtype == boolean &&
         (contains(step.inputs, mask) || contains(step.invariants, mask));
}

}  // namespace

Step number_masks(const Step& step) {
  return rewrite(step, [&](Rewriting& r, const Graph::Node& node) -> ValueId {
    const bool is_where = node.operation.is<Where>();
    if (!is_where && !node.operation.is<MaskedFill>()) return -1;
    const std::size_t position = is_where ? 0 : 1;
    const Dtype dtype = step.graph.spec(node.first).dtype;
    if (!is_float(dtype) || !is_given(step, node.inputs[position])) return -1;
    Graph& graph = r.to.graph;
    const ValueId mask = r.of(node.inputs[position]);
    const ValueId number = simplified(graph, Convert{dtype}, {mask});
    if (is_where) {
      return simplified(graph, Choose{}, {number, r.of(node.inputs[1]), r.of(node.inputs[2])});
    }
    const double value = node.operation.as<MaskedFill>()->value;
    const ValueId filling = simplified(graph, ScalarSource{value, dtype}, {});
    return simplified(graph, Choose{}, {number, filling, r.of(node.inputs[0])});
  });
}

}  // namespace rw::engine
