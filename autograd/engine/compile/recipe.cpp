#include "rewind/autograd/engine/compile/recipe.h"

#include <map>

#include "rewind/autograd/engine/step/replay.h"

namespace rw::engine {
namespace {

class Writer {
 public:
  explicit Writer(const Graph& from) : from_(from) {}

  ValueId image(ValueId value) {
    const auto known = images_.find(value);
    if (known != images_.end()) return known->second;
    const Graph::Node* node = from_.maker(value);
    if (!node) {
      sources.push_back(value);
      return images_[value] = to.leaf(from_.spec(value));
    }
    std::vector<ValueId> inputs;
    for (const ValueId x : node->inputs) inputs.push_back(image(x));
    const ValueId first = to.apply(node->operation, std::move(inputs), node->results);
    for (int i = 0; i < node->results; i++) images_[node->first + i] = first + i;
    return images_.at(value);
  }

  Graph to;
  std::vector<ValueId> sources;

 private:
  const Graph& from_;
  std::map<ValueId, ValueId> images_;
};

}  // namespace

Tensor Recipe::made_of(const std::vector<Tensor>& sources) const {
  return replay(graph, sources)[at(result)];
}

RecipeOf recipe_of(const Step& step, ValueId value) {
  Writer writer(step.graph);
  const ValueId result = writer.image(value);
  return {std::make_shared<const Recipe>(Recipe{std::move(writer.to), result}),
          std::move(writer.sources)};
}

}  // namespace rw::engine
