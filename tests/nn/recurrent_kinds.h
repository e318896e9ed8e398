// The recurrent layers that tests go through, and what a rewind over one of them gives.
#pragma once

#include <gtest/gtest.h>

#include "consumer/minimal_gated_cell.h"
#include "nn/differences.h"
#include "rewind/nn/elman.h"
#include "rewind/nn/gru.h"
#include "rewind/nn/linear.h"
#include "rewind/nn/lstm.h"
#include "rewind/nn/parameters.h"
#include "rewind/nn/recurrent.h"
#include "rewind/tensor/activation.h"
#include "support/compare.h"

namespace rw::test {

struct Elman {
  static constexpr const char* name = "Elman";
  using Cell = nn::ElmanCell;
  static Cell make(Index input, Index hidden, Rng& rng) { return Cell(input, hidden, rng); }
};
struct Lstm {
  static constexpr const char* name = "Lstm";
  using Cell = nn::LSTMCell;
  static Cell make(Index input, Index hidden, Rng& rng) { return Cell(input, hidden, rng); }
};
struct Gru {
  static constexpr const char* name = "Gru";
  using Cell = nn::GRUCell;
  static Cell make(Index input, Index hidden, Rng& rng) { return Cell(input, hidden, rng); }
};
struct GruBefore {
  static constexpr const char* name = "GruBefore";
  using Cell = nn::GRUCell;
  static Cell make(Index input, Index hidden, Rng& rng) {
    return Cell(input, hidden, rng, {.reset = nn::GruReset::before_product});
  }
};
struct MinimalGated {
  static constexpr const char* name = "MinimalGated";
  using Cell = user::MinimalGatedCell;
  static Cell make(Index input, Index hidden, Rng& rng) { return Cell(input, hidden, rng); }
};

using Kinds = testing::Types<Elman, Lstm, Gru, GruBefore, MinimalGated>;
struct KindNames {
  template <class Kind>
  static std::string GetName(int) {
    return Kind::name;
  }
};

// Sizes that differ from each other, so that none can stand for another.
inline constexpr Index kInput = 3, kHidden = 4, kBatch = 5, kTime = 6;

inline Tensor layer_input(Index time = kTime, Index batch = kBatch) {
  return wave({time, batch, kInput});
}

// A layer in float64, with weights that are all different.
template <class Kind>
nn::Recurrent<typename Kind::Cell> recurrent(nn::RecurrentOptions options) {
  if (options.input == 0) options.input = kInput;
  if (options.hidden == 0) options.hidden = kHidden;
  Rng rng(7);
  nn::Recurrent<typename Kind::Cell> layer(
      [&](Index input) { return Kind::make(input, options.hidden, rng); }, options);
  nn::to(layer, float64);
  return layer;
}

// A state per layer and direction, full of numbers.
template <class Cell>
std::vector<typename Cell::State> starts(const nn::Recurrent<Cell>& layer, Index batch = kBatch) {
  double phase = 40;
  return map_tensors(layer.initial(batch),
                     [&](const Tensor& x) { return wave(x.shape(), phase += 1); });
}

// The call's initial states as variables of the tape.
template <class State>
std::vector<State> watch_all(Tape& tape, const std::vector<State>& states) {
  return map_tensors(states, [&](const Tensor& x) { return tape.watch(x); });
}

// Every tensor of the result, given a gradient without pattern.
template <class Result>
std::vector<Upstream> everything(const Result& result) {
  std::vector<Upstream> from = {{result.outputs, wave(result.outputs.shape(), 10)},
                                {result.last, wave(result.last.shape(), 11)}};
  double phase = 12;
  for (const Tensor& x : tensors_of(result.final)) {
    from.push_back({x, wave(x.shape(), phase += 1)});
  }
  return from;
}

// The gradients of x, of the initial states and of the weights, in this order.
template <class Cell, class Roots>
std::vector<Tensor> gradients_of(const nn::Recurrent<Cell>& layer, const Tensor& x,
                                 nn::RecurrentCall<typename Cell::State> call, Roots roots,
                                 bool training = true) {
  Tape tape({.training = training});
  const Tensor watched = tape.watch(x);
  call.initial = watch_all(tape, call.initial);
  const Gradients gradients = tape.backward(roots(layer(watched, call)));
  std::vector<Tensor> all = {gradients[watched]};
  for (const Tensor& start : tensors_of(call.initial)) all.push_back(gradients[start]);
  for (const Parameter& p : nn::parameters(layer)) all.push_back(gradients[p]);
  return all;
}

inline void expect_same_bits(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); i++) EXPECT_EQ(elements(a[i]), elements(b[i])) << i;
}

inline void expect_close(const std::vector<Tensor>& a, const std::vector<Tensor>& b,
                         double tolerance = 1e-12) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); i++) {
    EXPECT_LE(largest_difference(a[i], b[i]), tolerance) << i;
  }
}

// One row of a batch [time, batch, ...], its first steps.
inline Tensor row_of(const Tensor& x, Index row, Index length) {
  return slice(slice(x, 1, row, row + 1), 0, 0, length);
}

template <class State>
State row_of_state(const State& state, Index row) {
  return map_tensors(state, [&](const Tensor& x) { return slice(x, 0, row, row + 1); });
}

// A bool tensor that is true at the positions given.
inline Tensor mask(const Dims& shape, std::initializer_list<Index> positions) {
  Tensor m = zeros(shape, boolean);
  for (Index p : positions) m.mutable_span<bool>()[static_cast<std::size_t>(p)] = true;
  return m;
}

}  // namespace rw::test
