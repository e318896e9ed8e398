#include "rewind/autograd/engine/passes/canonical.h"

namespace rw::engine {

Canonical canonical(const Step& step, const Passes& passes) {
  Step best = rewrite(step);
  if (passes.split) best = split_products(best);
  if (passes.join) best = join_products(best);
  if (passes.regroup) best = regroup_sums(best);
  if (passes.lower) return lower_invariants(best);
  Canonical same{std::move(best), {}};
  for (const ValueId x : same.step.invariants) {
    same.prelude.results.push_back(same.prelude.graph.leaf(same.step.graph.spec(x)));
  }
  return same;
}

}  // namespace rw::engine
