// What is timed as a training step of a layer.
#pragma once

#include "rewind/autograd/tape.h"
#include "rewind/nn/recurrent.h"

namespace rw::bench {

// Forward under a tape and back: the gradients of x and of every weight and bias, given dy, which
// has the shape of the outputs.
template <class Layer>
Gradients training_step(const Layer& layer, const Tensor& x, const Tensor& dy,
                        const nn::RecurrentCall<typename Layer::CellState>& call = {}) {
  Tape tape;
  const Tensor y = layer(tape.watch(x), call).outputs;
  Gradients gradients = tape.backward({{y, dy}});
  for (const Gradients::Entry& entry : gradients.entries()) entry.gradient.dense();
  return gradients;
}

}  // namespace rw::bench
