// Cells of many units over many rows: eight workers share these where the cell keeps them apart.
// Some are all packed products and element programs, others have kernels of their own.
#pragma once

#include "autograd/engine/cells.h"
#include "autograd/engine/looks_at.h"
#include "rewind/nn/layer_norm.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/cumsum.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/softmax.h"

namespace rw::test::wide {

using Const = const Tensors&;

inline constexpr Index kSteps = 16, kRows = 108, kFeatures = 24, kUnits = 64;

inline Tensor part(const Tensor& z, Index i) { return slice(z, 1, i * kUnits, (i + 1) * kUnits); }

inline Results lstm(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  return from_gates(z, s[1]);
}

// Its gate is one number for each row.
inline Results by_a_vector(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2], v = squeeze(w[4], 1);
  const Tensor gate = sigmoid(unsqueeze(matmul(s[0], v), 1));
  const Tensor c = gate * s[1] + (1 - gate) * tanh(part(z, 2));
  const Tensor h = sigmoid(part(z, 3)) * tanh(c);
  return {{h, c}, {h, matmul(h, v)}};
}

inline Results normed(Const x, Const s, Const w) {
  const Tensor z = nn::layer_norm(matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2]);
  const Tensor c = sigmoid(part(z, 1)) * s[1] + sigmoid(part(z, 0)) * tanh(part(z, 2));
  const Tensor h = sigmoid(part(z, 3)) * tanh(nn::layer_norm(c));
  return {{h, c}, {h}};
}

inline Results with_softmax(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  const Tensor c = tanh(part(z, 0)) + softmax(part(z, 1) + s[1], -1);
  const Tensor h = sigmoid(part(z, 3)) * tanh(c);
  return {{h, c}, {h, softmax(part(z, 2), -1)}};
}

inline Results of_a_user(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  const Tensor c = apply(LooksAt{}, sigmoid(part(z, 1))) * s[1] + tanh(part(z, 2));
  const Tensor h = sigmoid(part(z, 3)) * tanh(apply(LooksAt{}, c));
  return {{h, c}, {h}};
}

// To a context that all rows share, by two queries of each.
inline Results repeating(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  const Index rows = z.dim(0);
  const Tensor shared = expand(w[5], {rows, 5, kUnits});
  const Tensor queries = reshape(slice(z, 1, 0, 2 * kUnits), {rows, 2, 1, kUnits});
  const Tensor own = reshape(w[3], {rows, 1, 5, kUnits});
  const Tensor fit = softmax(sum(matmul(queries, transpose(own)), 1), -1);
  const Tensor c = tanh(part(z, 2)) * s[1] + squeeze(matmul(fit, shared), 1);
  const Tensor h = sigmoid(part(z, 3)) * tanh(c);
  return {{h, c}, {h}};
}

// Bahdanau's, to a context that each row has of its own.
inline Results attentive(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  const Tensor fit = matmul(tanh(w[3] + unsqueeze(part(z, 0), 1)), w[4]);
  const Tensor read = squeeze(matmul(transpose(softmax(fit, 1)), w[3]), 1);
  const Tensor c = tanh(part(z, 2)) * s[1] + read;
  const Tensor h = sigmoid(part(z, 3)) * tanh(part(z, 1) + c);
  return {{h, c}, {h, squeeze(fit, -1)}};
}

// To what the input alone asks for: of one row it can be read before the loop.
inline Results reading_by_input(Const x, Const s, Const w) {
  const Tensor from_x = matmul(x[0], w[0]);
  const Tensor z = from_x + matmul(s[0], w[1]) + w[2];
  const Tensor query = unsqueeze(part(from_x, 0), 1);
  const Tensor fit = softmax(matmul(query, transpose(w[3])), -1);
  const Tensor c = tanh(part(z, 2)) * s[1] + squeeze(matmul(fit, w[3]), 1);
  const Tensor h = sigmoid(part(z, 3)) * tanh(part(z, 1) + c);
  return {{h, c}, {h}};
}

inline Results with_masks(Const x, Const s, Const w) {
  const Tensor kept = bernoulli(s[0].shape(), {.p = 0.7, .dtype = s[0].dtype()});
  const Tensor noise = normal({s[0].dim(0), 1}, {.deviation = 0.1, .dtype = s[0].dtype()});
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0] * kept, w[1]) + w[2];
  const Tensor c = tanh(part(z, 0)) + sigmoid(part(z, 1)) * s[1] + noise;
  const Tensor h = sigmoid(part(z, 3)) * tanh(c + part(z, 2));
  return {{h, c}, {h}};
}

// To keys that are made of captured ones.
inline Results projecting(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  const Tensor keys = matmul(w[3], part(w[1], 1));
  const Tensor fit = softmax(matmul(unsqueeze(part(z, 0), 1), transpose(keys)), -1);
  const Tensor c = tanh(part(z, 2)) * s[1] + squeeze(matmul(fit, w[3]), 1);
  const Tensor h = sigmoid(part(z, 3)) * tanh(part(z, 1) + c);
  return {{h, c}, {h}};
}

// Scores, which no next state needs, of keys that come with the input.
inline Results scoring(Const x, Const s, Const w) {
  const Tensor from_x = matmul(x[0], w[0]);
  const Tensor keys = reshape(from_x, {from_x.dim(0), 4, kUnits});
  const Tensor z = from_x + matmul(s[0], w[1]) + w[2];
  const Tensor fit = matmul(unsqueeze(s[1], 1), transpose(keys));
  const Tensor c = tanh(part(z, 2)) + sigmoid(part(z, 1)) * s[1];
  const Tensor h = sigmoid(part(z, 3)) * tanh(c);
  return {{h, c}, {h, squeeze(fit, 1)}};
}

// By captured rows that stand side by side.
inline Results with_captured_columns(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  const Tensor own = squeeze(slice(w[3], 1, 1, 2), 1);
  const Tensor both = matmul(stack({w[5], 0.5 * w[5]}, 0), transpose(own));
  const Tensor c = tanh(part(z, 2)) * s[1] + transpose(sum(sum(both, 0), 0, true));
  const Tensor h = sigmoid(part(z, 3)) * tanh(c);
  return {{h, c}, {h}};
}

// By a matrix of its own for each part of the units.
inline Results by_heads(Const x, Const s, Const w) {
  constexpr Index kHeads = 4, kEach = kUnits / kHeads;
  const Tensor z = matmul(x[0], w[0]) + w[2];
  const auto split = [](const Tensor& v) {
    return transpose(reshape(v, {v.dim(0), kHeads, kEach}), 0, 1);
  };
  const Tensor heads = reshape(slice(w[1], 0, 0, kHeads), {kHeads, kEach, 4 * kUnits / kEach});
  const Tensor mixed = matmul(split(s[0]), heads);
  const Tensor c = tanh(part(z, 0) + reshape(transpose(mixed, 0, 1), s[0].shape())) * s[1];
  const Tensor h = sigmoid(part(z, 3)) * tanh(c + part(z, 1));
  return {{h, c}, {h}};
}

// Rows as columns.
inline Results with_columns(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  const Tensor fit = cumsum(matmul(w[5], transpose(part(z, 0))) * 0.1, 0);
  const Tensor c = tanh(part(z, 2)) * s[1] + matmul(transpose(fit), w[5]);
  const Tensor h = sigmoid(part(z, 3)) * tanh(c);
  return {{h, c}, {h, transpose(fit)}};
}

// By weights of which others are left out at every step.
inline Results with_dropped_weights(Const x, Const s, Const w) {
  const Tensor some = w[1] * bernoulli(w[1].shape(), {.p = 0.8, .dtype = w[1].dtype()});
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], some) + w[2];
  const Tensor c = tanh(part(z, 0)) + sigmoid(part(z, 1)) * s[1];
  const Tensor h = sigmoid(part(z, 3)) * tanh(c + part(z, 2));
  return {{h, c}, {h}};
}

// A recurrence inside of each step.
inline Results with_a_scan_inside(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  const auto inner = [&](const Tensor& u, const Tensor& v) {
    return tanh(u + matmul(v, part(w[1], 1)));
  };
  const Tensor refined = scan(inner, stack({part(z, 0), part(z, 1)}, 0), s[1]).final;
  const Tensor h = sigmoid(part(z, 3)) * tanh(refined + part(z, 2));
  return {{h, refined}, {h}};
}

struct Cell {
  const char* name;
  decltype(ScanCase::step) step;
  bool runs_kernels = true;  // ordinary ones, in the loop
  bool draws = false;
  bool takes_lengths = true;
};

inline void PrintTo(const Cell& cell, std::ostream* out) { *out << cell.name; }

inline std::vector<Cell> cells() {
  return {{"lstm", lstm, false},     {"by_a_vector", by_a_vector},       {"layer_norm", normed},
          {"softmax", with_softmax}, {"operation_of_a_user", of_a_user}, {"attention", attentive},
          {"repeating", repeating},  {"masks", with_masks, true, true}};
}

// Whose products are none of rows by a matrix that stays the same.
inline std::vector<Cell> cells_of_other_products() {
  return {{"reading_by_input", reading_by_input},
          {"projecting", projecting},
          {"scoring", scoring, false},
          {"with_captured_columns", with_captured_columns, false},
          {"by_heads", by_heads},
          {"with_columns", with_columns},
          {"with_dropped_weights", with_dropped_weights, true, true},
          {"with_a_scan_inside", with_a_scan_inside, true, false, false}};
}

// The fourth weight has rows.
inline ScanCase scan_case(const Cell& cell, Dtype dtype) {
  const Tensors weights{numbers({kFeatures, 4 * kUnits}, 3) * 0.3,
                        numbers({kUnits, 4 * kUnits}, 4) * 0.2,
                        numbers({4 * kUnits}, 5),
                        numbers({kRows, 5, kUnits}, 7),
                        numbers({kUnits, 1}, 8),
                        numbers({5, kUnits}, 9)};
  ScanCase c{{cast(numbers({kSteps, kRows, kFeatures}, 1), dtype)},
             {cast(numbers({kRows, kUnits}, 2), dtype), cast(numbers({kRows, kUnits}, 6), dtype)},
             {},
             cell.step};
  for (const Tensor& w : weights) c.weights.push_back(cast(w, dtype));
  return c;
}

inline Lengths lengths_of(Index rows) {
  Lengths lengths;
  for (Index row = 0; row < rows; row++) lengths.push_back((7 * row + 3) % (kSteps + 1));
  return lengths;
}

}  // namespace rw::test::wide
