#include "rewind/autograd/engine/explain/names.h"

#include "rewind/tensor/error.h"

namespace rw::engine {
namespace {

using Strings = std::vector<std::string>;

// x for one, x0, x1, ... for several.
Strings numbered(const char* name, std::size_t count) {
  Strings names;
  for (std::size_t i = 0; i < count; i++) {
    names.push_back(count == 1 ? name : fmt::format("{}{}", name, i));
  }
  return names;
}

// Leaves have names; operations are counted.
Strings of_graph(const Graph& graph, Strings values, const char* mark) {
  int count = 0;
  for (const Graph::Node& node : graph.nodes()) {
    for (int i = 0; i < node.results; i++) {
      values[at(node.first + i)] = fmt::format("{}{}", mark, ++count);
    }
  }
  return values;
}

// `given` are those of the invariants before the prelude, whose results are marked.
Names names(const Recurrence& recurrence, const Strings& given, const Strings& inputs,
            const Strings& states, const char* mark) {
  const Step& step = recurrence.step();
  const Prelude& prelude = recurrence.prelude();
  Names names;
  names.prelude.resize(at(prelude.graph.values()));
  auto next = given.begin();
  for (ValueId v = 0; v < prelude.graph.values(); v++) {
    if (!prelude.graph.maker(v)) names.prelude[at(v)] = *next++;
  }
  names.prelude = of_graph(prelude.graph, std::move(names.prelude), mark);

  names.values.resize(at(step.graph.values()));
  for (std::size_t i = 0; i < step.invariants.size(); i++) {
    names.values[at(step.invariants[i])] = names.prelude[at(prelude.results[i])];
  }
  for (std::size_t i = 0; i < step.inputs.size(); i++) names.values[at(step.inputs[i])] = inputs[i];
  for (std::size_t i = 0; i < step.states.size(); i++) names.values[at(step.states[i])] = states[i];
  names.values = of_graph(step.graph, std::move(names.values), "%");
  return names;
}

}  // namespace

std::string said(const Graph& graph, const Graph::Node& node,
                 const std::vector<std::string>& names) {
  std::string inputs, results;
  for (const ValueId x : node.inputs) inputs += (inputs.empty() ? "" : ", ") + names[at(x)];
  for (int i = 0; i < node.results; i++) {
    results += (results.empty() ? "" : ", ") + names[at(node.first + i)];
  }
  return fmt::format("{} = {}({}) {}", results, node.operation.text(), inputs,
                     to_string(graph.spec(node.first).shape));
}

std::vector<std::string> names_of_captured(std::vector<std::string> given) {
  const Strings w = numbered("w", given.size());
  for (std::size_t i = 0; i < w.size(); i++) {
    if (given[i].empty()) given[i] = w[i];
  }
  return given;
}

std::vector<std::string> names_of(const Traced& traced, const std::vector<std::string>& w) {
  const Trace& trace = traced.trace;
  Strings values(at(trace.graph.values()));
  const Strings x = numbered("x", traced.inputs), h = numbered("h", traced.states);
  for (std::size_t i = 0; i < trace.arguments.size(); i++) {
    values[at(trace.arguments[i])] = i < x.size() ? x[i] : h[i - x.size()];
  }
  for (std::size_t i = 0; i < w.size(); i++) values[at(trace.captured[i])] = w[i];
  return of_graph(trace.graph, std::move(values), "%");
}

Names names_of(const Recurrence& forward, const std::vector<std::string>& w) {
  const Step& step = forward.step();
  Names found =
      names(forward, w, numbered("x", step.inputs.size()), numbered("h", step.states.size()), "p");
  found.outputs = numbered("y", forward.own_outputs());
  return found;
}

Names names_of(const Recurrence& backward, const Backward& wiring, const Recurrence& forward,
               const Names& forward_names) {
  const Step& step = forward.step();
  const Strings y = numbered("dy", forward.own_outputs());
  const auto name = [&](const Source& source) -> std::string {
    const std::size_t i = at(source.index);
    switch (source.kind) {
      case Source::invariant:
        return forward_names[step.invariants[i]];
      case Source::input:
        return forward_names[step.inputs[i]];
      case Source::output:
        return "f" + forward_names[step.outputs[i]];
      case Source::output_gradient:
        return y[i];
      case Source::sum_gradient:
        return "d" + forward_names[step.sums[i]];
      default:
        return fmt::format("number{}", i);
    }
  };
  Strings invariants, inputs, states;
  for (const Source& source : wiring.invariants) invariants.push_back(name(source));
  for (const Source& source : wiring.inputs) inputs.push_back(name(source));
  for (const int k : wiring.states) states.push_back("d" + forward_names[step.states[at(k)]]);
  Names found = names(backward, invariants, inputs, states, "q");
  for (const int k : wiring.outputs) {
    found.outputs.push_back("d" + forward_names[step.inputs[at(k)]]);
  }
  for (const int k : wiring.sums) {
    found.sums.push_back("d" + forward_names[step.invariants[at(k)]]);
  }
  return found;
}

}  // namespace rw::engine
