#include "rewind/autograd/engine/passes/canonical.h"

#include "rewind/autograd/engine/step/simplify.h"
#include "rewind/autograd/engine/step/stage.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/ordered_matmul.h"

namespace rw::engine {
namespace {

// They have done their part once sums are ordered.
Step without_stages(const Step& step) {
  return rewrite(step, [](Rewriting& r, const Graph::Node& node) {
    return node.operation.is<Stage>() ? r.of(node.inputs[0]) : -1;
  });
}

// Which products are ordered is for the plan to say (compile/rows_apart.h).
Step with_products_alike(const Step& step) {
  return rewrite(step, [](Rewriting& r, const Graph::Node& node) {
    if (!node.operation.is<OrderedMatMul>()) return -1;
    return simplified(r.to.graph, MatMul{}, {r.of(node.inputs[0]), r.of(node.inputs[1])});
  });
}

}  // namespace

Canonical canonical(const Step& step, Index batch, const Passes& passes) {
  Step best = step;
  best.graph.set_simplifies(passes.simplify);
  best = with_products_alike(best);
  if (passes.rows_first) best = rows_first(best);
  if (passes.plain) best = plain_products(best, batch);
  if (passes.split) best = split_products(best);
  if (passes.join) best = join_products(best);
  if (passes.regroup) best = regroup_sums(best);
  best = without_stages(best);
  if (passes.join_sums) best = join_sums(best);
  if (passes.number) best = number_masks(best);
  return lower_invariants(best, passes.lower);
}

}  // namespace rw::engine
