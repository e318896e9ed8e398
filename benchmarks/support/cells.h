// The cells that are measured, by the names that the peers know them by.
#pragma once

#include "rewind/nn/elman.h"
#include "rewind/nn/gru.h"
#include "rewind/nn/lstm.h"
#include "rewind/nn/recurrent.h"
#include "support/run.h"
#include "tests/consumer/minimal_gated_cell.h"  // as README shows it

namespace rw::bench {

inline const std::vector<std::string> kBuiltInCells = {"LSTM", "GRU", "RNN"};
inline const std::vector<std::string> kCells = {"LSTM", "GRU", "RNN", "MGC"};

// A layer of one cell: so many rows for so many steps. Input size = hidden size.
struct Case {
  Index batch, time, hidden;
};

inline constexpr double gates(const std::string& cell) {
  return cell == "LSTM" ? 4 : cell == "GRU" ? 3 : cell == "MGC" ? 2 : 1;
}

// The flops of the products alone: each of W_x and W_h, `gates` times [hidden, hidden], meets every
// row at every step, and a product has a flop for the multiplication and one for the addition.
inline double inference_flops(const std::string& cell, const Case& c) {
  return 2.0 * static_cast<double>(c.batch * c.time * c.hidden * (c.hidden + c.hidden)) *
         gates(cell);
}

// The gradients of what a product is made of are a product each.
inline double training_flops(const std::string& cell, const Case& c) {
  return 3 * inference_flops(cell, c);
}

// Calls f with a layer of fresh weights.
template <class F>
void with_layer(const std::string& cell, Index hidden, F&& f) {
  Rng rng(1);
  const nn::RecurrentOptions options = {.input = hidden, .hidden = hidden};
  if (cell == "LSTM") return f(nn::Recurrent<nn::LSTMCell>(options, rng));
  if (cell == "GRU") return f(nn::Recurrent<nn::GRUCell>(options, rng));
  if (cell == "RNN") return f(nn::Recurrent<nn::ElmanCell>(options, rng));
  f(nn::Recurrent<user::MinimalGatedCell>(options, rng));
}

}  // namespace rw::bench
