// The gated recurrent unit, in PyTorch's gate order r, z, n:
//
//   r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh),  h' = (1 - z) * n + z * h
//   n = tanh(W_in x + b_in + r * (W_hn h + b_hn))       reset after the product (PyTorch, cuDNN,
//   Keras) n = tanh(W_in x + b_in + W_hn (r * h) + b_hn)       reset before it (the paper)
//
// Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder" (EMNLP 2014). The two
// forms have the same weights and different values.
#pragma once

#include "rewind/nn/cell.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

enum class GruReset { after_product, before_product };

struct GRUOptions {
  GruReset reset = GruReset::after_product;
};

struct GRUCell {
  using State = Tensor;
  GateWeights weights;
  GruReset reset;

  GRUCell(Index input, Index hidden, Rng& rng, const GRUOptions& options = {});

  State initial(Index batch) const;
  // x [batch, input], h [batch, hidden]. Notes "reset", "update" and "candidate".
  State step(const Tensor& x, const State& h) const;

  static void members(auto& self, auto&& visit) { GateWeights::members(self.weights, visit); }
};

}  // namespace nn
}  // namespace rw
