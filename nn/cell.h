// What a recurrent cell is: a state and a step.
//
//   struct MinimalGatedCell {
//     using State = Tensor;                             // or a plain struct of tensors
//     nn::Linear gate, candidate;
//     MinimalGatedCell(Index input, Index hidden, Rng& rng);
//     State initial(Index batch) const;                 // often zero_state(batch, hidden, weight)
//     State step(const Tensor& x, const State& h) const;
//     static void members(auto& self, auto&& visit);
//   };
//
// `step` returns the next State, or {State, Outputs}. The output of a bare State is its first
// field, unless the cell has a static `output(state)`. Every tensor of states and outputs is
// [batch, ...], and a state keeps the shapes that `initial` gave it. Recurrent (recurrent.h) gives
// a cell layers, both directions, lengths, resets and dropout.
#pragma once

#include "rewind/autograd/scan.h"
#include "rewind/nn/members.h"
#include "rewind/tensor/random.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

namespace cell_internal {

struct Step {
  int step;
};
template <class C>
struct Beside : C, Step {};

}  // namespace cell_internal

// Whether there is a member `step`, of whatever form: its name is ambiguous beside another one's.
template <class C>
concept HasStep = std::is_final_v<C> || !requires {
  &cell_internal::Beside<C>::step;
};

template <class C>
concept HasState = kIsTree<typename C::State>;

template <class C>
concept HasInitial = requires(const C& cell, Index batch) {
  { cell.initial(batch) } -> std::convertible_to<typename C::State>;
};

// Whether `step` takes such an x and the state. C is const where the cell is.
template <class C, class Inputs>
concept StepsOn = requires(C& cell, const Inputs& x, const typename C::State& state) {
  cell.step(x, state);
};

template <class C>
concept Cell = std::is_class_v<C> && HasStep<C> && HasState<C> && HasInitial<C>;

// Zeros [batch, hidden] of the dtype of a weight.
Tensor zero_state(Index batch, Index hidden, const Parameter& weight);

// The weights of a cell with `gates` stacked blocks, as PyTorch has them: weight_ih [gates *
// hidden, input], weight_hh [gates * hidden, hidden], and a bias for each. All are drawn from
// U(-1/sqrt(hidden), 1/sqrt(hidden)), as in PyTorch.
struct GateWeights {
  Parameter weight_ih, weight_hh, bias_ih, bias_hh;

  GateWeights(Index gates, Index input, Index hidden, Rng& rng);

  Tensor from_input(const Tensor& x) const;   // x W_ih^T + b_ih, [batch, gates * hidden]
  Tensor from_hidden(const Tensor& h) const;  // h W_hh^T + b_hh

  static void members(auto& self, auto&& visit) {
    visit("weight_ih", self.weight_ih);
    visit("weight_hh", self.weight_hh);
    visit("bias_ih", self.bias_ih);
    visit("bias_hh", self.bias_hh);
  }
};

}  // namespace nn
}  // namespace rw
