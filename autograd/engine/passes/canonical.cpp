#include "rewind/autograd/engine/passes/canonical.h"

#include "rewind/autograd/engine/step/stage.h"

namespace rw::engine {
namespace {

// They have done their part once sums are ordered.
Step without_stages(const Step& step) {
  return rewrite(step, [](Rewriting& r, const Graph::Node& node) {
    return node.operation.is<Stage>() ? r.of(node.inputs[0]) : -1;
  });
}

}  // namespace

Canonical canonical(const Step& step, Index batch, const Passes& passes) {
  Step best = step;
  best.graph.set_simplifies(passes.simplify);
  best = rewrite(best);
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
