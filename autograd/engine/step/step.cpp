#include "rewind/autograd/engine/step/step.h"

#include <algorithm>

#include "rewind/autograd/engine/step/facts.h"
#include "rewind/autograd/engine/step/simplify.h"
#include "rewind/autograd/engine/step/stage.h"

namespace rw::engine {

std::vector<ValueId> Step::results() const {
  std::vector<ValueId> all = next;
  all.insert(all.end(), outputs.begin(), outputs.end());
  all.insert(all.end(), sums.begin(), sums.end());
  return all;
}

std::vector<Dependence> dependences(const Step& step) {
  std::vector<Dependence> found(static_cast<std::size_t>(step.graph.values()), Dependence::nothing);
  const auto depends = [&](ValueId value) -> Dependence& { return found[at(value)]; };
  for (const ValueId x : step.inputs) depends(x) = Dependence::input;
  for (const ValueId x : step.states) depends(x) = Dependence::state;
  for (const Graph::Node& node : step.graph.nodes()) {
    Dependence most = is_random(node.operation) ? Dependence::input : Dependence::nothing;
    for (const ValueId x : node.inputs) most = std::max(most, depends(x));
    if (node.operation.is<Stage>()) most = Dependence::input;
    for (int i = 0; i < node.results; i++) depends(node.first + i) = most;
  }
  return found;
}

bool is_live(const Graph::Node& node, const std::vector<bool>& live) {
  const auto first = live.begin() + node.first;
  return std::find(first, first + node.results, true) != first + node.results;
}

std::vector<bool> live_values(const Graph& graph, const std::vector<ValueId>& results) {
  std::vector<bool> live(static_cast<std::size_t>(graph.values()), false);
  for (const ValueId y : results) live[at(y)] = true;
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    if (!is_live(*node, live)) continue;
    for (const ValueId x : node->inputs) live[at(x)] = true;
  }
  return live;
}

std::vector<std::vector<int>> users_of(const Graph& graph, const std::vector<bool>& live) {
  std::vector<std::vector<int>> users(static_cast<std::size_t>(graph.values()));
  for (std::size_t i = 0; i < graph.nodes().size(); i++) {
    const Graph::Node& node = graph.nodes()[i];
    if (!is_live(node, live)) continue;
    for (const ValueId x : node.inputs) {
      users[at(x)].push_back(static_cast<int>(i));
    }
  }
  return users;
}

ValueId Rewriting::leaf(ValueId value) {
  if (of(value) < 0) set(value, to.graph.leaf(from.graph.spec(value)));
  return of(value);
}

void Rewriting::take_inputs_and_states() {
  for (const ValueId x : from.inputs) to.inputs.push_back(leaf(x));
  for (const ValueId x : from.states) to.states.push_back(leaf(x));
}

void copy(Rewriting& r, const Graph::Node& node) {
  std::vector<ValueId> inputs;
  for (const ValueId x : node.inputs) inputs.push_back(r.of(x));
  if (node.results == 1) {
    r.set(node.first, simplified(r.to.graph, node.operation, std::move(inputs)));
    return;
  }
  const ValueId first = r.to.graph.apply(node.operation, std::move(inputs), node.results);
  for (int i = 0; i < node.results; i++) r.set(node.first + i, first + i);
}

Step rewrite(const Step& step, const std::function<ValueId(Rewriting&, const Graph::Node&)>& rule) {
  Rewriting r(step);
  for (const ValueId x : step.invariants) r.to.invariants.push_back(r.leaf(x));
  r.take_inputs_and_states();
  const std::vector<bool> live = live_values(step.graph, step.results());
  for (const Graph::Node& node : step.graph.nodes()) {
    if (!is_live(node, live)) continue;
    const ValueId image = rule && node.results == 1 ? rule(r, node) : -1;
    if (image < 0) {
      copy(r, node);
    } else {
      r.set(node.first, image);
    }
  }
  r.take_results([&](ValueId y) { return r.of(y); });
  return std::move(r.to);
}

std::string to_string(const Step& step) {
  std::string text;
  const auto list = [&](const char* name, const std::vector<ValueId>& values) {
    if (values.empty()) return;
    text += fmt::format("{}:", name);
    for (const ValueId value : values) {
      text += fmt::format(" %{} {}", value, to_string(step.graph.spec(value)));
    }
    text += "\n";
  };
  list("invariants", step.invariants);
  list("inputs", step.inputs);
  list("states", step.states);
  text += to_string(step.graph);
  list("next", step.next);
  list("outputs", step.outputs);
  list("sums", step.sums);
  return text;
}

}  // namespace rw::engine
