// Cells of every form that the papers know, and some that only tests do, as steps on lists of
// tensors.
#pragma once

#include "autograd/engine/scan_comparison.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/extrema.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/rounding.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/unary.h"

namespace rw::test {

inline constexpr Index T = 4, B = 3, I = 2, H = 5, K = 4, S = 6, V = 7;

inline Tensors one(const Tensor& x) { return {x}; }
inline Tensors inputs() { return {numbers({T, B, I}, 1)}; }
// Some of them often, some not at all.
inline Tensor tokens(const Dims& shape, Index symbols = V) {
  Tensor x = zeros(shape, int64);
  Index i = 0;
  for (Index& token : x.mutable_span<Index>()) {
    token = i * i % symbols;
    i++;
  }
  return x;
}
inline Tensors states(std::initializer_list<Index> sizes) {
  Tensors result;
  for (const Index size : sizes)
    result.push_back(numbers({B, size}, 10.0 + static_cast<double>(size)));
  return result;
}
inline Tensors weights(std::initializer_list<Dims> shapes) {
  Tensors result;
  double seed = 20;
  for (const Dims& shape : shapes) result.push_back(numbers(shape, seed += 1));
  return result;
}
using Results = std::pair<Tensors, Tensors>;

inline Index rows(const Tensors& state) { return state[0].dim(0); }

inline Tensor part(const Tensor& z, Index i, Index units = H) {
  return slice(z, 1, i * units, (i + 1) * units);
}

inline Results elman(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h = tanh(matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2]);
  return {one(h), one(h)};
}

inline Results relu_cell(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h = relu(matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2]);
  return {one(h), one(h)};
}

inline Results from_gates(const Tensor& z, const Tensor& c) {
  const auto gate = [&](Index i) { return part(z, i, c.dim(1)); };
  const Tensor next = sigmoid(gate(1)) * c + sigmoid(gate(0)) * tanh(gate(2));
  const Tensor h = sigmoid(gate(3)) * tanh(next);
  return {{h, next}, one(h)};
}

inline Results lstm_of_concat(const Tensors& x, const Tensors& s, const Tensors& w) {
  return from_gates(matmul(concat({x[0], s[0]}), w[0]) + w[1], s[1]);
}

inline Results lstm_of_two_products(const Tensors& x, const Tensors& s, const Tensors& w) {
  return from_gates((matmul(x[0], w[0]) + w[2]) + (matmul(s[0], w[1]) + w[3]), s[1]);
}

inline Results lstm_of_four_gates(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor both = concat({x[0], s[0]});
  const auto gate = [&](std::size_t i) { return matmul(both, w[i]) + w[i + 4]; };
  const Tensor c = sigmoid(gate(1)) * s[1] + sigmoid(gate(0)) * tanh(gate(2));
  const Tensor h = sigmoid(gate(3)) * tanh(c);
  return {{h, c}, one(h)};
}

inline Results peephole(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  const Tensor f = sigmoid(part(z, 1) + w[4] * s[1]), i = sigmoid(part(z, 0) + w[3] * s[1]);
  const Tensor c = f * s[1] + i * tanh(part(z, 2));
  const Tensor h = sigmoid(part(z, 3) + w[5] * c) * tanh(c);
  return {{h, c}, one(h)};
}

inline Tensor normalised(const Tensor& a, const Tensor& gain, const Tensor& bias) {
  const Tensor centred = a - mean(a, -1, true);
  return centred * rsqrt(mean(centred * centred, -1, true) + 1e-5) * gain + bias;
}

inline Results layer_norm_lstm(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor z =
      normalised(matmul(x[0], w[0]), w[2], w[3]) + normalised(matmul(s[0], w[1]), w[4], w[5]);
  const Tensor c = sigmoid(part(z, 1)) * s[1] + sigmoid(part(z, 0)) * tanh(part(z, 2));
  const Tensor h = sigmoid(part(z, 3)) * tanh(normalised(c, w[6], w[7]));
  return {{h, c}, one(h)};
}

inline Results gru_before(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor p = matmul(x[0], w[0]) + w[3], h = s[0];
  const Tensor gates = sigmoid(slice(p, 1, 0, 2 * H) + matmul(h, w[1]));
  const Tensor r = part(gates, 0), z = part(gates, 1);
  const Tensor n = tanh(part(p, 2) + matmul(r * h, w[2]));
  const Tensor next = (1 - z) * n + z * h;
  return {one(next), one(next)};
}

inline Results gru_after(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor p = matmul(x[0], w[0]) + w[2], q = matmul(s[0], w[1]) + w[3];
  const auto of_x = [&](Index i) { return part(p, i, s[0].dim(1)); };
  const auto of_h = [&](Index i) { return part(q, i, s[0].dim(1)); };
  const Tensor r = sigmoid(of_x(0) + of_h(0)), z = sigmoid(of_x(1) + of_h(1));
  const Tensor n = tanh(of_x(2) + r * of_h(2));
  const Tensor next = (1 - z) * n + z * s[0];
  return {one(next), one(next)};
}

inline Results minimal_gated(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor f = sigmoid(matmul(concat({x[0], s[0]}), w[0]) + w[1]);
  const Tensor h = (1 - f) * s[0] + f * tanh(matmul(concat({x[0], f * s[0]}), w[2]) + w[3]);
  return {one(h), one(h)};
}

// keys [B, S, K] captured, projected inside the step; Luong's attention.
inline Results dot_attention(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor keys = w[0], projected = matmul(keys, w[1]);
  const Tensor query = reshape(matmul(s[0], w[2]), {rows(s), 1, K});
  const Tensor scores = softmax(matmul(query, transpose(projected)), -1);
  const Tensor context = reshape(matmul(scores, keys), {rows(s), K});
  const Tensor h = tanh(matmul(x[0], w[3]) + matmul(context, w[4]) + matmul(s[0], w[5]));
  return {one(h), {h, context}};
}

// Bahdanau's.
inline Results additive_attention(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor keys = w[0];
  const Tensor e = tanh(matmul(keys, w[1]) + reshape(matmul(s[0], w[2]), {rows(s), 1, K}));
  const Tensor scores = softmax(reshape(matmul(e, w[6]), {rows(s), 1, S}), -1);
  const Tensor context = reshape(matmul(scores, keys), {rows(s), K});
  const Tensor h = tanh(matmul(x[0], w[3]) + matmul(context, w[4]) + matmul(s[0], w[5]));
  return {one(h), one(h)};
}

inline Results two_states(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor u = tanh(matmul(x[0], w[4]) + matmul(s[0], w[0]) + matmul(s[1], w[1]) + w[5]);
  const Tensor v = sigmoid(matmul(u, w[2]) + matmul(s[1], w[3]) + w[6]) * s[1];
  return {{u, v}, one(concat({u, v}))};
}

inline Results residual(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h = s[0] + matmul(tanh(matmul(concat({s[0], x[0]}), w[0]) + w[1]), w[2]);
  return {one(h), one(h)};
}

inline Results weight_used_twice(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor u = tanh(matmul(s[0], w[0]) + matmul(x[0], slice(w[0], 0, 0, I)) + w[1]);
  const Tensor h = tanh(matmul(u, w[0]) + w[1]);
  return {one(h), one(h)};
}

inline Results captured_context(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h =
      tanh(matmul(x[0], w[0]) + matmul(s[0], w[1]) + matmul(w[3], w[2])) * sigmoid(w[3]);
  return {one(h), one(h)};
}

inline Results head_inside(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h = tanh(matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2]);
  return {one(h), one(softmax(matmul(h, w[3]) + w[4], -1))};
}

inline Results layers_of_the_input(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor u = tanh(matmul(x[0], w[0]) + w[1]);
  const Tensor h = tanh(matmul(u, w[2]) + matmul(s[0], w[3]) + w[1]) + u;
  return {one(h), one(h)};
}

inline Results symbols(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h = tanh(matmul(take(w[3], x[0]), w[0]) + matmul(s[0], w[1]) + w[2]);
  return {one(h), one(h)};
}

// A state that counts, one that stays as it is, one that only adds up, and two that change places.
inline Results many_states(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h = tanh(matmul(s[0], w[0]) + matmul(x[0], w[1]) + s[2]);
  return {{h, s[1] + 1, s[2], s[3] + h * h, s[5], s[4]}, {h, s[1], s[4], where(h > 0, h, 0)}};
}

// Rows that look at each other.
inline Results batch_norm(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]);
  const Tensor centred = z - mean(z, 0, true);
  const Tensor h = tanh(centred * rsqrt(mean(centred * centred, 0, true) + 1e-3));
  return {one(h), {h, sum(h), sum(h, 0), transpose(h), w[1]}};
}

inline Results nothing_but_views(const Tensors& x, const Tensors& s, const Tensors&) {
  const Tensor h = concat({slice(s[0], 1, 1, H), slice(x[0], 1, 0, 1)});
  return {one(h), {h, x[0], s[0]}};
}

// Each row of the batch as several rows of a product, of what is known before the loop.
inline Results several_entries_a_row(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor u = matmul(reshape(x[0], {rows(s) * I, 1}), w[0]);
  const Tensor mask = bernoulli({rows(s) * I, K}, {.p = 0.7, .dtype = float64});
  const Tensor v = tanh(u * matmul(reshape(s[0], {rows(s) * I, K}), w[1])) * w[2] + 0.1 * mask;
  const Tensor h = concat({slice(v, 1, 1, K), max(v, 1, true)}) + 0.1 * softmax(v, -1);
  return {one(reshape(h, {rows(s), I * K})), one(reshape(h, {rows(s), I * K}))};
}

// Rows that know their number.
inline Results numbered_rows(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor number = reshape(arange(0, rows(s), 1, float64), {rows(s), 1});
  const Tensor other = reshape(matmul(eye(rows(s), float64), w[3]), {rows(s), H});
  const Tensor h = tanh(matmul(x[0], w[0]) + other + matmul(s[0], w[1]) * number + w[2]);
  return {one(h), one(h)};
}

struct Softsign {
  static constexpr std::string_view name = "softsign";
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    const Tensor from = contiguous(x);
    for (Index i = 0; i < x.size(); i++) {
      const double v = from.data<double>()[i];
      output_data<double>(y)[i] = v / (1 + std::abs(v));
    }
  }
  static void derivative(Rules<Softsign> d) {
    d([](const Tensor& dy, Input<0> x) { return dy / square(1 + abs(x)); });
  }
};

inline Results operation_of_a_user(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h = apply(Softsign{}, matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2]);
  return {one(h), one(h)};
}

// A mask of its own at every step, and one of weights.
inline Results dropped(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor mask = bernoulli(s[0].shape(), {.p = 0.7, .dtype = float64});
  const Tensor weights = w[1] * bernoulli({H, H}, {.p = 0.8, .dtype = float64});
  const Tensor h = tanh(matmul(x[0], w[0]) + matmul(s[0] * mask / 0.7, weights) + w[2]);
  return {one(h), one(h + 0.1 * normal(h.shape(), {.dtype = float64}))};
}

inline const Tensors kSimple = weights({{I, H}, {H, H}, {H}});
inline const Tensors kLstm = weights({{I, 4 * H}, {H, 4 * H}, {4 * H}, {4 * H}});

}  // namespace rw::test
