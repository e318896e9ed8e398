// The simple recurrent cell: h' = f(W_ih x + b_ih + W_hh h + b_hh). Elman, "Finding Structure in
// Time" (Cognitive Science 14, 1990).
#pragma once

#include "rewind/nn/cell.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

enum class ElmanActivation { tanh, relu, sigmoid };

struct ElmanOptions {
  ElmanActivation activation = ElmanActivation::tanh;
};

struct ElmanCell {
  using State = Tensor;
  GateWeights weights;
  ElmanActivation activation;

  ElmanCell(Index input, Index hidden, Rng& rng, const ElmanOptions& options = {});

  State initial(Index batch) const;
  // x [batch, input], h [batch, hidden].
  State step(const Tensor& x, const State& h) const;

  static void members(auto& self, auto&& visit) { GateWeights::members(self.weights, visit); }
};

}  // namespace nn
}  // namespace rw
