// Planned scans beside plain loops, for cells of every form that the papers know, and some that
// only this file does: values, gradients, and gradients of gradients.
#include <gtest/gtest.h>

#include "autograd/engine/scan_comparison.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/unary.h"

namespace rw::test {
namespace {

constexpr Index T = 4, B = 3, I = 2, H = 5, K = 4, S = 6, V = 7;

// Padding, of which nothing may be read.
Tensor with_padding(const Tensor& x, const Lengths& lengths) {
  if (!is_float(x.dtype())) return x;
  Tensor padded = x;
  for (std::size_t row = 0; row < lengths.size(); row++) {
    padded.set({Range{lengths[row], kEnd}, row}, std::nan(""));
  }
  return padded;
}

void both_ways(ScanCase c, const char* name, bool with_lengths = true) {
  for (const bool reverse : {false, true}) {
    c.reverse = reverse;
    c.lengths = {};
    expect_the_plain_loop(c, name);
    if (!with_lengths) continue;
    c.lengths = {3, 0, 4};
    ScanCase padded = c;
    for (Tensor& x : padded.xs) x = with_padding(x, c.lengths);
    expect_the_plain_loop(padded, name);
    padded.reset = greater(numbers({c.xs[0].dim(0), c.xs[0].dim(1)}, 4), 0.1);
    expect_the_plain_loop(padded, name);
  }
}

Tensors one(const Tensor& x) { return {x}; }
Tensors inputs() { return {numbers({T, B, I}, 1)}; }
Tensors states(std::initializer_list<Index> sizes) {
  Tensors result;
  for (const Index size : sizes)
    result.push_back(numbers({B, size}, 10.0 + static_cast<double>(size)));
  return result;
}
Tensors weights(std::initializer_list<Dims> shapes) {
  Tensors result;
  double seed = 20;
  for (const Dims& shape : shapes) result.push_back(numbers(shape, seed += 1));
  return result;
}
using Results = std::pair<Tensors, Tensors>;

Tensor part(const Tensor& z, Index i) { return slice(z, 1, i * H, (i + 1) * H); }

Results elman(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h = tanh(matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2]);
  return {one(h), one(h)};
}

Results relu_cell(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h = relu(matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2]);
  return {one(h), one(h)};
}

Results from_gates(const Tensor& z, const Tensor& c) {
  const Tensor next = sigmoid(part(z, 1)) * c + sigmoid(part(z, 0)) * tanh(part(z, 2));
  const Tensor h = sigmoid(part(z, 3)) * tanh(next);
  return {{h, next}, one(h)};
}

Results lstm_of_concat(const Tensors& x, const Tensors& s, const Tensors& w) {
  return from_gates(matmul(concat({x[0], s[0]}), w[0]) + w[1], s[1]);
}

Results lstm_of_two_products(const Tensors& x, const Tensors& s, const Tensors& w) {
  return from_gates((matmul(x[0], w[0]) + w[2]) + (matmul(s[0], w[1]) + w[3]), s[1]);
}

Results lstm_of_four_gates(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor both = concat({x[0], s[0]});
  const auto gate = [&](std::size_t i) { return matmul(both, w[i]) + w[i + 4]; };
  const Tensor c = sigmoid(gate(1)) * s[1] + sigmoid(gate(0)) * tanh(gate(2));
  const Tensor h = sigmoid(gate(3)) * tanh(c);
  return {{h, c}, one(h)};
}

Results peephole(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  const Tensor f = sigmoid(part(z, 1) + w[4] * s[1]), i = sigmoid(part(z, 0) + w[3] * s[1]);
  const Tensor c = f * s[1] + i * tanh(part(z, 2));
  const Tensor h = sigmoid(part(z, 3) + w[5] * c) * tanh(c);
  return {{h, c}, one(h)};
}

Tensor normalised(const Tensor& a, const Tensor& gain, const Tensor& bias) {
  const Tensor centred = a - mean(a, -1, true);
  return centred * rsqrt(mean(centred * centred, -1, true) + 1e-5) * gain + bias;
}

Results layer_norm_lstm(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor z =
      normalised(matmul(x[0], w[0]), w[2], w[3]) + normalised(matmul(s[0], w[1]), w[4], w[5]);
  const Tensor c = sigmoid(part(z, 1)) * s[1] + sigmoid(part(z, 0)) * tanh(part(z, 2));
  const Tensor h = sigmoid(part(z, 3)) * tanh(normalised(c, w[6], w[7]));
  return {{h, c}, one(h)};
}

Results gru_before(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor p = matmul(x[0], w[0]) + w[3], h = s[0];
  const Tensor gates = sigmoid(slice(p, 1, 0, 2 * H) + matmul(h, w[1]));
  const Tensor r = part(gates, 0), z = part(gates, 1);
  const Tensor n = tanh(part(p, 2) + matmul(r * h, w[2]));
  const Tensor next = (1 - z) * n + z * h;
  return {one(next), one(next)};
}

Results gru_after(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor p = matmul(x[0], w[0]) + w[2], q = matmul(s[0], w[1]) + w[3];
  const Tensor r = sigmoid(part(p, 0) + part(q, 0)), z = sigmoid(part(p, 1) + part(q, 1));
  const Tensor n = tanh(part(p, 2) + r * part(q, 2));
  const Tensor next = (1 - z) * n + z * s[0];
  return {one(next), one(next)};
}

Results minimal_gated(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor f = sigmoid(matmul(concat({x[0], s[0]}), w[0]) + w[1]);
  const Tensor h = (1 - f) * s[0] + f * tanh(matmul(concat({x[0], f * s[0]}), w[2]) + w[3]);
  return {one(h), one(h)};
}

// keys [B, S, K] captured, projected inside the step; Luong's attention.
Results dot_attention(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor keys = w[0], projected = matmul(keys, w[1]);
  const Tensor query = reshape(matmul(s[0], w[2]), {B, 1, K});
  const Tensor scores = softmax(matmul(query, transpose(projected)), -1);
  const Tensor context = reshape(matmul(scores, keys), {B, K});
  const Tensor h = tanh(matmul(x[0], w[3]) + matmul(context, w[4]) + matmul(s[0], w[5]));
  return {one(h), {h, context}};
}

// Bahdanau's.
Results additive_attention(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor keys = w[0];
  const Tensor e = tanh(matmul(keys, w[1]) + reshape(matmul(s[0], w[2]), {B, 1, K}));
  const Tensor scores = softmax(reshape(matmul(e, w[6]), {B, 1, S}), -1);
  const Tensor context = reshape(matmul(scores, keys), {B, K});
  const Tensor h = tanh(matmul(x[0], w[3]) + matmul(context, w[4]) + matmul(s[0], w[5]));
  return {one(h), one(h)};
}

Results two_states(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor u = tanh(matmul(x[0], w[4]) + matmul(s[0], w[0]) + matmul(s[1], w[1]) + w[5]);
  const Tensor v = sigmoid(matmul(u, w[2]) + matmul(s[1], w[3]) + w[6]) * s[1];
  return {{u, v}, one(concat({u, v}))};
}

Results residual(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h = s[0] + matmul(tanh(matmul(concat({s[0], x[0]}), w[0]) + w[1]), w[2]);
  return {one(h), one(h)};
}

Results weight_used_twice(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor u = tanh(matmul(s[0], w[0]) + matmul(x[0], slice(w[0], 0, 0, I)) + w[1]);
  const Tensor h = tanh(matmul(u, w[0]) + w[1]);
  return {one(h), one(h)};
}

Results captured_context(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h =
      tanh(matmul(x[0], w[0]) + matmul(s[0], w[1]) + matmul(w[3], w[2])) * sigmoid(w[3]);
  return {one(h), one(h)};
}

Results head_inside(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h = tanh(matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2]);
  return {one(h), one(softmax(matmul(h, w[3]) + w[4], -1))};
}

Results layers_of_the_input(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor u = tanh(matmul(x[0], w[0]) + w[1]);
  const Tensor h = tanh(matmul(u, w[2]) + matmul(s[0], w[3]) + w[1]) + u;
  return {one(h), one(h)};
}

Results symbols(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h = tanh(matmul(take(w[3], x[0]), w[0]) + matmul(s[0], w[1]) + w[2]);
  return {one(h), one(h)};
}

// A state that counts, one that stays as it is, one that only adds up, and two that change places.
Results many_states(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h = tanh(matmul(s[0], w[0]) + matmul(x[0], w[1]) + s[2]);
  return {{h, s[1] + 1, s[2], s[3] + h * h, s[5], s[4]}, {h, s[1], s[4], where(h > 0, h, 0)}};
}

// Rows that look at each other.
Results batch_norm(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]);
  const Tensor centred = z - mean(z, 0, true);
  const Tensor h = tanh(centred * rsqrt(mean(centred * centred, 0, true) + 1e-3));
  return {one(h), {h, sum(h), sum(h, 0), transpose(h), w[1]}};
}

Results nothing_but_views(const Tensors& x, const Tensors& s, const Tensors&) {
  const Tensor h = concat({slice(s[0], 1, 1, H), slice(x[0], 1, 0, 1)});
  return {one(h), {h, x[0], s[0]}};
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

Results operation_of_a_user(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h = apply(Softsign{}, matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2]);
  return {one(h), one(h)};
}

// A mask of its own at every step, and one of weights.
Results dropped(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor mask = bernoulli(s[0].shape(), {.p = 0.7, .dtype = float64});
  const Tensor weights = w[1] * bernoulli({H, H}, {.p = 0.8, .dtype = float64});
  const Tensor h = tanh(matmul(x[0], w[0]) + matmul(s[0] * mask / 0.7, weights) + w[2]);
  return {one(h), one(h + 0.1 * normal(h.shape(), {.dtype = float64}))};
}

const Tensors kSimple = weights({{I, H}, {H, H}, {H}});
const Tensors kLstm = weights({{I, 4 * H}, {H, 4 * H}, {4 * H}, {4 * H}});

TEST(PlannedScan, IsThePlainLoopForCellsOfEveryForm) {
  both_ways({inputs(), states({H}), kSimple, elman}, "elman");
  both_ways({inputs(), states({H}), kSimple, relu_cell}, "relu");
  both_ways({inputs(), states({H, H}), weights({{I + H, 4 * H}, {4 * H}}), lstm_of_concat},
            "lstm of concat");
  both_ways({inputs(), states({H, H}), kLstm, lstm_of_two_products}, "lstm");
  const Dims gate{I + H, H}, bias{H};
  both_ways({inputs(), states({H, H}), weights({gate, gate, gate, gate, bias, bias, bias, bias}),
             lstm_of_four_gates},
            "lstm of four gates");
  both_ways({inputs(), states({H, H}), weights({{I, 4 * H}, {H, 4 * H}, {4 * H}, {H}, {H}, {H}}),
             peephole},
            "peephole");
  const Dims wide{4 * H};
  both_ways({inputs(), states({H, H}),
             weights({{I, 4 * H}, {H, 4 * H}, wide, wide, wide, wide, {H}, {H}}), layer_norm_lstm},
            "layer norm");
  both_ways({inputs(), states({H}), weights({{I, 3 * H}, {H, 2 * H}, {H, H}, {3 * H}}), gru_before},
            "gru before");
  both_ways({inputs(), states({H}), weights({{I, 3 * H}, {H, 3 * H}, {3 * H}, {3 * H}}), gru_after},
            "gru after");
  both_ways({inputs(), states({H}), weights({gate, bias, gate, bias}), minimal_gated},
            "minimal gated");
}

TEST(PlannedScan, IsThePlainLoopForAttention) {
  both_ways({inputs(), states({H}), weights({{B, S, K}, {K, K}, {H, K}, {I, H}, {K, H}, {H, H}}),
             dot_attention},
            "dot attention");
  both_ways(
      {inputs(), states({H}), weights({{B, S, K}, {K, K}, {H, K}, {I, H}, {K, H}, {H, H}, {K, 1}}),
       additive_attention},
      "additive attention");
  both_ways({inputs(), states({H}), weights({{I, H}, {H, H}, {H, H}, {B, H}}), captured_context},
            "context");
}

TEST(PlannedScan, IsThePlainLoopForUnusualSteps) {
  both_ways({inputs(), states({H, K}), weights({{H, H}, {K, H}, {H, K}, {K, K}, {I, H}, {H}, {K}}),
             two_states},
            "two states");
  both_ways({inputs(), states({H}), weights({{I + H, H}, {H}, {H, H}}), residual}, "residual");
  both_ways({inputs(), states({H}), weights({{H, H}, {H}}), weight_used_twice}, "twice");
  both_ways({inputs(), states({H}), weights({{I, H}, {H, H}, {H}, {H, V}, {V}}), head_inside},
            "head");
  both_ways({inputs(), states({H}), weights({{I, H}, {H}, {H, H}, {H, H}}), layers_of_the_input},
            "layers of the input");
  both_ways({inputs(), states({H}), {}, nothing_but_views}, "views");
  both_ways({inputs(), states({H}), weights({{I, H}, {H, H}}), batch_norm}, "batch norm", false);
  both_ways({inputs(), states({H}), kSimple, operation_of_a_user}, "operation of a user", false);
}

TEST(PlannedScan, DrawsTheRandomNumbersOfThePlainLoop) {
  both_ways({inputs(), states({H}), kSimple, dropped}, "dropped");
}

TEST(PlannedScan, RefusesAGeneratorOfTheStepsOwn) {
  Rng own(3);
  const auto step = [&](const Tensor& x, const Tensor& h) {
    return h + x * uniform(x.shape(), {.dtype = float64}, own);
  };
  try {
    scan(step, numbers({T, B, H}, 1), numbers({B, H}, 2));
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_EQ(
        std::string(error.what()),
        "scan: uniform in the step draws from a generator of its own; draw from this thread's, "
        "which Random sets, or use loop");
  }
}

TEST(PlannedScan, IsThePlainLoopForIntegers) {
  Tensor tokens = zeros({T, B}, int64);
  Index i = 0;
  for (Index& token : tokens.mutable_span<Index>()) token = (3 * i++) % V;
  both_ways({{tokens}, states({H}), weights({{I, H}, {H, H}, {H}, {V, I}}), symbols}, "symbols");
  Tensors six = states({H, H, H, H, H, H});
  six[1] = zeros({B, 2}, int64);
  both_ways({inputs(), six, weights({{H, H}, {I, H}}), many_states}, "many states");
}

}  // namespace
}  // namespace rw::test
