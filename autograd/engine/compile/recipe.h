// How a matrix is put together from tensors that a scan is given: weights side by side, or a part
// of one.
#pragma once

#include "rewind/autograd/engine/step/step.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct Recipe {
  Graph graph;
  ValueId result;

  Tensor made_of(const std::vector<Tensor>& sources) const;  // the leaves, in order
  friend bool operator==(const Recipe&, const Recipe&) = default;
};

// A recipe with the invariants that are its sources in a step.
struct RecipeOf {
  std::shared_ptr<const Recipe> recipe;
  std::vector<ValueId> sources;
};

// Of a value that depends on invariants alone.
RecipeOf recipe_of(const Step& step, ValueId value);

}  // namespace engine
}  // namespace rw
