// All that a recurrent layer gives, and the gradients of all that it was given.
#pragma once

#include "nn/recurrent_kinds.h"

namespace rw::test {

// Outputs, those of last steps, final states and those of every step; then the gradients of x, of
// the initial states and of the weights. Of rows without steps nothing is computed, which a tape
// may follow or not.
template <class Layer>
std::vector<Tensor> all_of(const Layer& layer, const Tensor& x,
                           nn::RecurrentCall<typename Layer::CellState> call) {
  const Random same(9);
  Tape tape;
  const Tensor watched = tape.watch(x);
  call.initial = watch_all(tape, call.initial);
  const auto result = layer(watched, call);
  std::vector<Tensor> all{result.outputs, result.last};
  for (const Tensor& y : tensors_of(result.final)) all.push_back(y);
  for (const Tensor& y : tensors_of(result.states)) all.push_back(y);
  std::vector<Upstream> from;
  double phase = 10;
  for (const Tensor& y : all) {
    const Tensor dy = cast(wave(y.shape(), phase += 1), y.dtype());
    if (Interpreter::any_holds(y.mark())) from.push_back({y, dy});
  }
  const Gradients gradients = tape.backward(from);
  const auto add_gradient = [&](const auto& of) {
    const bool found = gradients.find(of) != nullptr;
    all.push_back(found ? gradients[of] : zeros(of.spec().shape, of.spec().dtype));
  };
  add_gradient(watched);
  for (const Tensor& h : tensors_of(call.initial)) add_gradient(h);
  for (const Parameter& p : nn::parameters(layer)) add_gradient(p);
  return all;
}

}  // namespace rw::test
