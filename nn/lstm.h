// Long short-term memory with forget gate, in PyTorch's gate order i, f, g, o:
//
//   c' = f * c + i * g,  h' = o * tanh(c')
//   i, f, o = sigmoid(...), g = tanh(...) of W_ih x + b_ih + W_hh h + b_hh
//
// Hochreiter and Schmidhuber, "Long Short-Term Memory" (Neural Computation 9, 1997); the forget
// gate from Gers, Schmidhuber and Cummins, "Learning to Forget" (Neural Computation 12, 2000).
#pragma once

#include "rewind/nn/cell.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

struct LSTMOptions {
  // Added to the forget gate's bias: 1 makes a fresh cell remember (Jozefowicz, Zaremba and
  // Sutskever, ICML 2015). 0 is what PyTorch does.
  double forget_bias = 0;
};

struct LSTMCell {
  struct State {
    Tensor h, c;  // [batch, hidden]
  };
  GateWeights weights;

  LSTMCell(Index input, Index hidden, Rng& rng, const LSTMOptions& options = {});

  State initial(Index batch) const;
  // x [batch, input]. Notes the gates as "input", "forget", "candidate" and "output".
  State step(const Tensor& x, const State& state) const;

  static void members(auto& self, auto&& visit) { GateWeights::members(self.weights, visit); }
};

}  // namespace nn
}  // namespace rw
