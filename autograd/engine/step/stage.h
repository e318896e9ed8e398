// Where one part of a step hands over to the next: the layers of a stack that is stepped as one.
#pragma once

#include "rewind/autograd/rules.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// x itself. What follows is arranged as if x were an input of the step, so that a layer has the
// same bits in a stack, where its input is what the layer below it made, and by itself.
struct Stage {
  static constexpr std::string_view name = "stage";
  Tensor view(const Tensor& x) const { return x.view(x.shape(), x.strides(), 0); }
  static void derivative(Rules<Stage> d) {
    d([](const Tensor& dy) { return dy; });
  }
};

// Where no step is being traced there is nothing to say.
Tensor stage(const Tensor& x);

}  // namespace engine
}  // namespace rw
