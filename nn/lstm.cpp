#include "rewind/nn/lstm.h"

#include "rewind/autograd/note.h"
#include "rewind/tensor/activation.h"

namespace rw::nn {

LSTMCell::LSTMCell(Index input, Index hidden, Rng& rng, const LSTMOptions& options)
    : weights(4, input, hidden, rng) {
  if (options.forget_bias == 0) return;
  const auto block = static_cast<std::size_t>(hidden);
  for (float& b : weights.bias_ih.value().mutable_span<float>().subspan(block, block)) {
    b += static_cast<float>(options.forget_bias);
  }
}

LSTMCell::State LSTMCell::initial(Index batch) const {
  const Tensor zero = zero_state(batch, weights.weight_hh.shape()[1], weights.weight_hh);
  return {zero, zero};
}

LSTMCell::State LSTMCell::step(const Tensor& x, const State& state) const {
  const Tensor z = weights.from_input(x) + weights.from_hidden(state.h);
  const Index n = state.h.dim(1);
  const Tensor i = note("input", sigmoid(slice(z, 1, 0, n)));
  const Tensor f = note("forget", sigmoid(slice(z, 1, n, 2 * n)));
  const Tensor g = note("candidate", tanh(slice(z, 1, 2 * n, 3 * n)));
  const Tensor o = note("output", sigmoid(slice(z, 1, 3 * n, 4 * n)));
  const Tensor c = f * state.c + i * g;
  return {o * tanh(c), c};
}

}  // namespace rw::nn
