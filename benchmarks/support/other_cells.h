// Cells that no peer has: three with kernels of their own in the loop, and one of two states.
#pragma once

#include "rewind/nn/layer_norm.h"
#include "rewind/nn/linear.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/views.h"
#include "support/cells.h"

namespace rw::bench {

inline const std::vector<std::string> kOtherCells = {"LayerNormLSTM", "Attention", "MaskedRNN",
                                                     "TwoStates"};

// With layer norms over what comes of x, what comes of h, and c.
struct LayerNormLstmCell {
  struct State {
    Tensor h, c;
  };
  nn::Linear of_x, of_h;
  nn::LayerNorm norm_x, norm_h, norm_c;

  LayerNormLstmCell(Index input, Index hidden, Rng& rng)
      : of_x(input, 4 * hidden, rng, {.bias = false}),
        of_h(hidden, 4 * hidden, rng, {.bias = false}),
        norm_x(4 * hidden),
        norm_h(4 * hidden),
        norm_c(hidden) {}

  State initial(Index batch) const {
    const Tensor zero = nn::zero_state(batch, norm_c.features, of_h.weight);
    return {zero, zero};
  }

  State step(const Tensor& x, const State& s) const {
    const auto gates = split(norm_x(of_x(x)) + norm_h(of_h(s.h)), norm_c.features);
    const Tensor c = sigmoid(gates[1]) * s.c + sigmoid(gates[0]) * tanh(gates[2]);
    return {sigmoid(gates[3]) * tanh(norm_c(c)), c};
  }

  static void members(auto& self, auto&& visit) {
    visit("of_x", self.of_x);
    visit("of_h", self.of_h);
    visit("norm_x", self.norm_x);
    visit("norm_h", self.norm_h);
    visit("norm_c", self.norm_c);
  }
};

// Bahdanau's, to a context of 20 entries that each row has of its own, and that learns.
struct AttentiveCell {
  using State = Tensor;
  Parameter context;  // [batch, 20, hidden]
  nn::Linear keys, query, score, of_x, of_read, of_h;

  AttentiveCell(Index input, Index hidden, Index batch, Rng& rng)
      : context(normal({batch, 20, hidden}, {}, rng)),
        keys(hidden, hidden, rng, {.bias = false}),
        query(hidden, hidden, rng),
        score(hidden, 1, rng, {.bias = false}),
        of_x(input, hidden, rng),
        of_read(hidden, hidden, rng, {.bias = false}),
        of_h(hidden, hidden, rng, {.bias = false}) {}

  State initial(Index batch) const {
    return nn::zero_state(batch, of_h.weight.shape()[0], of_h.weight);
  }

  State step(const Tensor& x, const State& h) const {
    const Tensor entries = context;
    const Tensor fit = score(tanh(keys(entries) + unsqueeze(query(h), 1)));  // [batch, 20, 1]
    const Tensor read = squeeze(matmul(transpose(softmax(fit, 1)), entries), 1);
    return tanh(of_x(x) + of_read(read) + of_h(h));
  }

  static void members(auto& self, auto&& visit) {
    visit("context", self.context);
    visit("keys", self.keys);
    visit("query", self.query);
    visit("score", self.score);
    visit("of_x", self.of_x);
    visit("of_read", self.of_read);
    visit("of_h", self.of_h);
  }
};

// Elman's, with a mask on the state at every step.
struct MaskedCell {
  using State = Tensor;
  nn::ElmanCell cell;

  MaskedCell(Index input, Index hidden, Rng& rng) : cell(input, hidden, rng) {}

  State initial(Index batch) const { return cell.initial(batch); }

  State step(const Tensor& x, const State& h) const {
    return cell.step(x, h * bernoulli(h.shape(), {.p = 0.7}) / 0.7);
  }

  static void members(auto& self, auto&& visit) { visit("cell", self.cell); }
};

// With three products in the loop, where two would do on both states put side by side.
struct TwoStatesCell {
  struct State {
    Tensor u, v;
  };
  nn::Linear of_x, u_of_u, u_of_v, v_of_u, v_of_v;

  TwoStatesCell(Index input, Index hidden, Rng& rng)
      : of_x(input, hidden, rng),
        u_of_u(hidden, hidden, rng, {.bias = false}),
        u_of_v(hidden, hidden, rng, {.bias = false}),
        v_of_u(hidden, hidden, rng),
        v_of_v(hidden, hidden, rng, {.bias = false}) {}

  State initial(Index batch) const {
    const Tensor zero = nn::zero_state(batch, u_of_u.weight.shape()[0], u_of_u.weight);
    return {zero, zero + 1};
  }

  State step(const Tensor& x, const State& s) const {
    const Tensor u = tanh(of_x(x) + u_of_u(s.u) + u_of_v(s.v));
    return {u, sigmoid(v_of_u(u) + v_of_v(s.v)) * s.v};
  }

  static void members(auto& self, auto&& visit) {
    visit("of_x", self.of_x);
    visit("u_of_u", self.u_of_u);
    visit("u_of_v", self.u_of_v);
    visit("v_of_u", self.v_of_u);
    visit("v_of_v", self.v_of_v);
  }
};

// Calls f with a layer of fresh weights, for so many rows.
template <class F>
void with_other_layer(const std::string& cell, const Case& c, F&& f) {
  Rng rng(1);
  const nn::RecurrentOptions options = {.input = c.hidden, .hidden = c.hidden};
  if (cell == "LayerNormLSTM") return f(nn::Recurrent<LayerNormLstmCell>(options, rng));
  if (cell == "MaskedRNN") return f(nn::Recurrent<MaskedCell>(options, rng));
  if (cell == "TwoStates") return f(nn::Recurrent<TwoStatesCell>(options, rng));
  const auto make = [&](Index input) { return AttentiveCell(input, c.hidden, c.batch, rng); };
  f(nn::Recurrent<AttentiveCell>(make, options));
}

}  // namespace rw::bench
