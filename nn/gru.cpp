#include "rewind/nn/gru.h"

#include "rewind/autograd/note.h"
#include "rewind/nn/linear.h"
#include "rewind/tensor/activation.h"

namespace rw::nn {

GRUCell::GRUCell(Index input, Index hidden, Rng& rng, const GRUOptions& options)
    : weights(3, input, hidden, rng), reset(options.reset) {}

Tensor GRUCell::initial(Index batch) const {
  return zero_state(batch, weights.weight_hh.shape()[1], weights.weight_hh);
}

Tensor GRUCell::step(const Tensor& x, const State& h) const {
  const Index n = h.dim(1);
  const Tensor from_x = weights.from_input(x);
  const Tensor x_gates = slice(from_x, 1, 0, 2 * n);
  const Tensor x_candidate = slice(from_x, 1, 2 * n, 3 * n);

  // The rows of the weights that make the gates, and those that make the candidate.
  const Tensor weight = weights.weight_hh;
  const Tensor bias = weights.bias_hh;
  auto part = [&](const Tensor& input, Index from, Index to) {
    return linear(input, slice(weight, 0, from, to), slice(bias, 0, from, to));
  };

  if (reset == GruReset::after_product) {
    const Tensor from_h = weights.from_hidden(h);
    const Tensor gates = sigmoid(x_gates + slice(from_h, 1, 0, 2 * n));
    const Tensor r = note("reset", slice(gates, 1, 0, n));
    const Tensor z = note("update", slice(gates, 1, n, 2 * n));
    const Tensor candidate =
        note("candidate", tanh(x_candidate + r * slice(from_h, 1, 2 * n, 3 * n)));
    return (1 - z) * candidate + z * h;
  }
  const Tensor gates = sigmoid(x_gates + part(h, 0, 2 * n));
  const Tensor r = note("reset", slice(gates, 1, 0, n));
  const Tensor z = note("update", slice(gates, 1, n, 2 * n));
  const Tensor candidate = note("candidate", tanh(x_candidate + part(r * h, 2 * n, 3 * n)));
  return (1 - z) * candidate + z * h;
}

}  // namespace rw::nn
