#include "rewind/autograd/engine/step/replay.h"

#include "rewind/tensor/error.h"

namespace rw::engine {

std::vector<Tensor> replay(const Graph& graph, const std::vector<Tensor>& leaves) {
  std::vector<Tensor> values(static_cast<std::size_t>(graph.values()));
  auto leaf = leaves.begin();
  for (ValueId value = 0; value < graph.values(); value++) {
    if (graph.maker(value)) continue;
    require(leaf != leaves.end(), "replay: {} tensors for more leaves", leaves.size());
    values[at(value)] = *leaf++;
  }
  require(leaf == leaves.end(), "replay: {} tensors for {} leaves", leaves.size(),
          leaf - leaves.begin());
  for (const Graph::Node& node : graph.nodes()) {
    std::vector<const Tensor*> inputs;
    for (const ValueId input : node.inputs) {
      inputs.push_back(&values[at(input)]);
    }
    const std::span<Tensor> outputs(&values[static_cast<std::size_t>(node.first)],
                                    static_cast<std::size_t>(node.results));
    Call call{node.operation.type(), node.operation.op(), inputs, outputs};
    Interpreter::dispatch(call);
  }
  return values;
}

}  // namespace rw::engine
