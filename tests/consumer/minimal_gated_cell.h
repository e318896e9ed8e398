// The minimal gated unit (Zhou et al., International Journal of Automation and Computing 13, 2016),
// as somebody else writes a cell. README.md shows it.
#pragma once

#include <rewind/autograd/note.h>
#include <rewind/nn/cell.h>
#include <rewind/nn/linear.h>
#include <rewind/nn/recurrent.h>
#include <rewind/tensor/activation.h>

namespace user {
using namespace rw;

struct MinimalGatedCell {
  using State = Tensor;
  nn::Linear gate, candidate;

  MinimalGatedCell(Index input, Index hidden, Rng& rng)
      : gate(input + hidden, hidden, rng), candidate(input + hidden, hidden, rng) {}

  State initial(Index batch) const {
    return nn::zero_state(batch, gate.weight.shape()[0], gate.weight);
  }

  State step(const Tensor& x, const State& h) const {
    const Tensor f = note("forget", sigmoid(gate(concat({x, h}))));
    return (1 - f) * h + f * tanh(candidate(concat({x, f * h})));
  }

  static void members(auto& self, auto&& visit) {
    visit("gate", self.gate);
    visit("candidate", self.candidate);
  }
};

using MyEncoder = nn::Recurrent<MinimalGatedCell>;

}  // namespace user
