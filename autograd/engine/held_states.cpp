#include "rewind/autograd/engine/held_states.h"

#include <algorithm>

#include "rewind/autograd/engine/plans.h"
#include "rewind/autograd/engine/step/facts.h"

namespace rw::engine {
namespace {

std::vector<bool> returned_as_taken(const Traced& written) {
  const Trace& trace = written.trace;
  std::vector<bool> held;
  for (std::size_t k = 0; k < written.states; k++) {
    const ValueId state = trace.arguments[written.inputs + k];
    const auto results = std::count(trace.results.begin(), trace.results.end(), state);
    held.push_back(trace.results[k] == state && results == 1);
  }
  return held;
}

// The same operations on the same values; only where some of these come from is another matter.
Traced holding_step(const Traced& written, const std::vector<bool>& held) {
  Traced step{written.trace, written.inputs, 0};
  Trace& trace = step.trace;
  trace.captured_tensors.clear();
  trace.arguments.resize(written.inputs);
  trace.results.clear();
  for (std::size_t k = 0; k < held.size(); k++) {
    const ValueId state = written.trace.arguments[written.inputs + k];
    (held[k] ? trace.captured : trace.arguments).push_back(state);
    if (!held[k]) trace.results.push_back(written.trace.results[k]);
    step.states += !held[k];
  }
  const auto outputs = written.trace.results.begin() + static_cast<std::ptrdiff_t>(held.size());
  trace.results.insert(trace.results.end(), outputs, written.trace.results.end());
  return step;
}

struct Gain {
  std::ptrdiff_t operations;  // that stand before the loop
  bool mixes;                 // as the engine sees it, the step mixes rows
};

Gain gain(const Traced& traced, Index batch) {
  const Canonical form = canonical(step_of(traced), batch);
  const auto& nodes = form.prelude.graph.nodes();
  const auto count = std::count_if(nodes.begin(), nodes.end(), [](const Graph::Node& node) {
    return !is_view(node.operation) && !node.inputs.empty();
  });
  return {count, !what_mixes_rows(form.step, rows_of(form.step, batch)).empty()};
}

}  // namespace

std::vector<Tensor> Holding::of_held(const std::vector<Tensor>& states) const {
  std::vector<Tensor> found;
  for (std::size_t k = 0; k < held.size(); k++) {
    if (held[k]) found.push_back(states[k]);
  }
  return found;
}

std::vector<Tensor> Holding::of_others(const std::vector<Tensor>& states) const {
  std::vector<Tensor> found;
  for (std::size_t k = 0; k < held.size(); k++) {
    if (!held[k]) found.push_back(states[k]);
  }
  return found;
}

std::vector<Tensor> Holding::all(const std::vector<Tensor>& held_ones,
                                 const std::vector<Tensor>& others) const {
  std::vector<Tensor> states;
  auto next_held = held_ones.begin(), next_other = others.begin();
  for (const bool is_held : held) states.push_back(is_held ? *next_held++ : *next_other++);
  return states;
}

std::shared_ptr<const Holding> holding_of(const Traced& written) {
  const std::vector<bool> held = returned_as_taken(written);
  const auto count = std::count(held.begin(), held.end(), true);
  if (count == 0 || count == std::ssize(held)) return nullptr;
  const Traced step = holding_step(written, held);
  const Index batch = written.trace.graph.spec(written.trace.arguments[written.inputs]).dim(0);
  if (batch == 0) return nullptr;  // whose rows cannot be told, nor is there work to be saved
  const Gain before = gain(written, batch), after = gain(step, batch);
  const bool pays = after.operations > before.operations && (before.mixes || !after.mixes);
  return pays ? std::make_shared<const Holding>(Holding{known_step(step), held}) : nullptr;
}

}  // namespace rw::engine
