#include "rewind/autograd/engine/derive/derive.h"

#include "rewind/autograd/engine/step/replay.h"
#include "rewind/autograd/engine/trace/trace.h"
#include "rewind/autograd/tape.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;

std::vector<ValueId> leaves_of(const Graph& graph) {
  std::vector<ValueId> leaves;
  for (ValueId value = 0; value < graph.values(); value++) {
    if (!graph.maker(value)) leaves.push_back(value);
  }
  return leaves;
}

}  // namespace

Derivative derive(const Graph& step, const std::vector<ValueId>& results,
                  const std::vector<bool>& arrives, const std::vector<bool>& wanted) {
  const std::vector<ValueId> leaves = leaves_of(step);
  std::vector<Spec> specs;
  for (const ValueId x : leaves) specs.push_back(step.spec(x));
  for (std::size_t i = 0; i < results.size(); i++) {
    if (arrives[i]) specs.push_back(step.spec(results[i]));
  }

  Derivative derivative;
  derivative.gradients.assign(static_cast<std::size_t>(step.values()), -1);
  std::vector<ValueId> reached;  // leaves of the step, in the order of their gradients below
  Trace traced = trace(specs, [&](const Tensors& given) {
    const Pause outer;
    Tape tape;
    Tensors inputs(given.begin(), given.begin() + std::ssize(leaves));
    for (std::size_t i = 0; i < leaves.size(); i++) {
      const bool asked = wanted[static_cast<std::size_t>(leaves[i])];
      if (asked && is_float(inputs[i].dtype())) tape.watch(inputs[i]);
    }
    Tensors known = replay(step, inputs);
    std::vector<Upstream> upstream;
    auto gradient = given.begin() + std::ssize(leaves);
    for (std::size_t i = 0; i < results.size(); i++) {
      if (!arrives[i]) continue;
      const Tensor& y = known[static_cast<std::size_t>(results[i])];
      if (tape.holds(y.mark())) upstream.push_back({y, *gradient});
      gradient++;
    }
    if (upstream.empty()) return known;
    const Gradients gradients = tape.backward(upstream, {.record = true});
    for (std::size_t i = 0; i < leaves.size(); i++) {
      if (!tape.holds(inputs[i].mark()) || !gradients.find(inputs[i])) continue;
      reached.push_back(leaves[i]);
      known.push_back(gradients[inputs[i]]);
    }
    return known;
  });

  const auto first_gradient = traced.results.begin() + step.values();
  derivative.values.assign(traced.results.begin(), first_gradient);
  for (std::size_t i = 0; i < reached.size(); i++) {
    derivative.gradients[static_cast<std::size_t>(reached[i])] =
        *(first_gradient + static_cast<std::ptrdiff_t>(i));
  }
  auto arriving = traced.arguments.begin() + std::ssize(leaves);
  for (const bool arrives_here : arrives) {
    derivative.arriving.push_back(arrives_here ? *arriving++ : -1);
  }
  derivative.graph = std::move(traced.graph);
  derivative.captured = std::move(traced.captured);
  derivative.captured_tensors = std::move(traced.captured_tensors);
  return derivative;
}

}  // namespace rw::engine
