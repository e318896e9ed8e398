#include "rewind/nn/elman.h"

#include "rewind/tensor/activation.h"

namespace rw::nn {

ElmanCell::ElmanCell(Index input, Index hidden, Rng& rng, const ElmanOptions& options)
    : weights(1, input, hidden, rng), activation(options.activation) {}

Tensor ElmanCell::initial(Index batch) const {
  return zero_state(batch, weights.weight_hh.shape()[1], weights.weight_hh);
}

Tensor ElmanCell::step(const Tensor& x, const State& h) const {
  Tensor z = weights.from_input(x) + weights.from_hidden(h);
  switch (activation) {
    case ElmanActivation::relu:
      return relu(std::move(z));
    case ElmanActivation::sigmoid:
      return sigmoid(std::move(z));
    case ElmanActivation::tanh:
      break;
  }
  return tanh(std::move(z));
}

}  // namespace rw::nn
