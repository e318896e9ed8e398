// The plans of a cell, forward and back.
#pragma once

#include "autograd/engine/cell_cases.h"
#include "rewind/autograd/engine/plans.h"

namespace rw::test {

struct Plans {
  std::shared_ptr<const engine::Recurrence> forward;
  std::shared_ptr<const engine::PlannedBackward> backward;
};

// Of a step whose first output has a gradient; those of all else are asked for.
inline Plans plans_of(const ScanCase& cell) {
  engine::Traced traced{{}, 1, cell.initial.size()};
  const Spec x = cell.xs[0].spec();
  std::vector<Spec> specs{x.with_shape(x.shape.without(0))};
  for (const Tensor& s : cell.initial) specs.push_back(s.spec());
  traced.trace = engine::trace(specs, [&](const Tensors& in) {
    auto [next, outputs] = cell.step({in[0]}, Tensors(in.begin() + 1, in.end()), cell.weights);
    next.insert(next.end(), outputs.begin(), outputs.end());
    return next;
  });
  const engine::Followed all{std::vector<bool>(traced.trace.captured.size(), true), {true}, true};
  Plans plans{engine::plan_of(engine::known_step(traced), rows(cell.initial), all), nullptr};
  engine::Wanted wanted = plans.forward->wanted();
  wanted.outputs.assign(plans.forward->step().outputs.size(), false);
  wanted.outputs[0] = true;
  plans.backward = plans.forward->backward(wanted, false);
  return plans;
}

}  // namespace rw::test
