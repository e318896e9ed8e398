#include "rewind/autograd/engine/derive.h"

#include <optional>

#include "rewind/autograd/engine/replay.h"
#include "rewind/autograd/tape.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;

// The leaves in the order of their numbers, from tensors in the order of arguments and captures.
Tensors in_order_of_leaves(const Trace& step, const Tensors& given) {
  std::vector<ValueId> leaves = step.arguments;
  leaves.insert(leaves.end(), step.captured.begin(), step.captured.end());
  Tensors by_value(static_cast<std::size_t>(step.graph.values()));
  for (std::size_t i = 0; i < leaves.size(); i++) {
    by_value[static_cast<std::size_t>(leaves[i])] = given[i];
  }
  std::erase_if(by_value, [](const Tensor& x) { return !x.defined(); });
  return by_value;
}

}  // namespace

Derivative derive(const Trace& step, const std::vector<bool>& arrives,
                  const std::vector<bool>& wanted) {
  Derivative derivative;
  const std::size_t leaves = step.arguments.size() + step.captured.size();
  std::vector<Spec> specs;
  for (const ValueId value : step.arguments) specs.push_back(step.graph.spec(value));
  for (const ValueId value : step.captured) specs.push_back(step.graph.spec(value));
  for (std::size_t i = 0; i < step.results.size(); i++) {
    if (arrives[i]) specs.push_back(step.graph.spec(step.results[i]));
  }

  std::vector<bool> reached(leaves, false);
  derivative.trace = trace(specs, [&](const Tensors& given) {
    const Pause outer;
    Tape tape;
    Tensors inputs(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(leaves));
    for (std::size_t i = 0; i < leaves; i++) {
      if (wanted[i] && is_float(inputs[i].dtype())) tape.watch(inputs[i]);
    }
    const Tensors values = replay(step.graph, in_order_of_leaves(step, inputs));
    Tensors results;
    std::vector<Upstream> upstream;
    auto gradient = given.begin() + static_cast<std::ptrdiff_t>(leaves);
    for (std::size_t i = 0; i < step.results.size(); i++) {
      const Tensor& y = values[static_cast<std::size_t>(step.results[i])];
      results.push_back(y);
      if (!arrives[i]) continue;
      if (tape.holds(y.mark())) upstream.push_back({y, *gradient});
      gradient++;
    }
    if (upstream.empty()) return results;
    const Gradients gradients = tape.backward(upstream, {.record = true});
    for (std::size_t i = 0; i < leaves; i++) {
      if (!tape.holds(inputs[i].mark()) || !gradients.find(inputs[i])) continue;
      reached[i] = true;
      results.push_back(gradients[inputs[i]]);
    }
    return results;
  });

  auto found = derivative.trace.results.begin() + std::ssize(step.results);
  for (const bool has : reached) derivative.gradients.push_back(has ? *found++ : -1);
  derivative.trace.results.resize(step.results.size());
  return derivative;
}

}  // namespace rw::engine
