// A cell as a user writes it, with tensor operations and nothing else: what a recurrence costs that
// the library has never seen.
//
//   f = sigmoid(W_f [x, h] + b_f),  h' = (1 - f) * h + f * tanh(W_c [x, f * h] + b_c)
#pragma once

#include "rewind/nn/cell.h"
#include "rewind/nn/linear.h"
#include "rewind/tensor/activation.h"

namespace rw::bench {

struct MinimalGatedCell {
  using State = Tensor;
  nn::Linear gate, candidate;

  MinimalGatedCell(Index input, Index hidden, Rng& rng)
      : gate(input + hidden, hidden, rng), candidate(input + hidden, hidden, rng) {}

  State initial(Index batch) const {
    return nn::zero_state(batch, gate.weight.shape()[0], gate.weight);
  }

  State step(const Tensor& x, const State& h) const {
    const Tensor f = sigmoid(gate(concat({x, h})));
    return (1 - f) * h + f * tanh(candidate(concat({x, f * h})));
  }

  static void members(auto& self, auto&& visit) {
    visit("gate", self.gate);
    visit("candidate", self.candidate);
  }
};

}  // namespace rw::bench
