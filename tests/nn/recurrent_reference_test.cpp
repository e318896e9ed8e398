// The cells against their formulas, one number at a time: weights, biases and gates that are all
// different, so that none can stand for another. (numpy-ml #42 used one bias for three gates,
// torchrecurrent #22 added where it should multiply.)
#include <gtest/gtest.h>

#include <cmath>

#include "nn/recurrent_kinds.h"

namespace rw::test {
namespace {

using Row = std::vector<double>;

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

// The weights of one layer as plain numbers, and what the formulas need of them.
struct Weights {
  Row ih, hh, bias_ih, bias_hh;

  template <class Layer>
  explicit Weights(const Layer& layer) {
    const auto all = nn::parameters(layer);
    ih = elements(all[0].value());
    hh = elements(all[1].value());
    bias_ih = elements(all[2].value());
    bias_hh = elements(all[3].value());
  }

  // Unit `unit` of gate number `gate`: what comes from x, and what from h.
  double from_x(std::size_t gate, std::size_t unit, const Row& x) const {
    return dot(ih, bias_ih, gate * kHidden + unit, x);
  }
  double from_h(std::size_t gate, std::size_t unit, const Row& h) const {
    return dot(hh, bias_hh, gate * kHidden + unit, h);
  }

  static double dot(const Row& weight, const Row& bias, std::size_t row, const Row& x) {
    double sum = bias[row];
    for (std::size_t i = 0; i < x.size(); i++) sum += weight[row * x.size() + i] * x[i];
    return sum;
  }
};

void advance(Elman, const Weights& w, const Row& x, Row& h, Row&) {
  const Row old = h;
  for (std::size_t j = 0; j < h.size(); j++) {
    h[j] = std::tanh(w.from_x(0, j, x) + w.from_h(0, j, old));
  }
}

void advance(Lstm, const Weights& w, const Row& x, Row& h, Row& c) {
  const Row old = h;
  for (std::size_t j = 0; j < h.size(); j++) {
    const auto gate = [&](std::size_t g) { return w.from_x(g, j, x) + w.from_h(g, j, old); };
    const double i = sigmoid_of(gate(0)), f = sigmoid_of(gate(1));
    const double g = std::tanh(gate(2)), o = sigmoid_of(gate(3));
    c[j] = f * c[j] + i * g;
    h[j] = o * std::tanh(c[j]);
  }
}

void advance_gru(const Weights& w, const Row& x, Row& h, bool reset_before) {
  const Row old = h;
  Row r(h.size()), rh(h.size());
  for (std::size_t j = 0; j < h.size(); j++) {
    r[j] = sigmoid_of(w.from_x(0, j, x) + w.from_h(0, j, old));
    rh[j] = r[j] * old[j];
  }
  for (std::size_t j = 0; j < h.size(); j++) {
    const double z = sigmoid_of(w.from_x(1, j, x) + w.from_h(1, j, old));
    const double recurrent = reset_before ? w.from_h(2, j, rh) : r[j] * w.from_h(2, j, old);
    h[j] = (1 - z) * std::tanh(w.from_x(2, j, x) + recurrent) + z * old[j];
  }
}
void advance(Gru, const Weights& w, const Row& x, Row& h, Row&) { advance_gru(w, x, h, false); }
void advance(GruBefore, const Weights& w, const Row& x, Row& h, Row&) {
  advance_gru(w, x, h, true);
}

// Large enough to matter, each its own.
template <class Layer>
void spread_weights(Layer& layer) {
  double phase = 20;
  nn::for_each_parameter(layer, [&](const std::string&, Parameter& p) {
    p.value() = wave(p.shape(), phase += 1) * 1.5;
  });
}

template <class Kind>
class Bug14 : public testing::Test {};
using OurKinds = testing::Types<Elman, Lstm, Gru, GruBefore>;
TYPED_TEST_SUITE(Bug14, OurKinds, KindNames);

TYPED_TEST(Bug14, EveryGateHasItsOwnWeightsAndBiases) {
  auto layer = recurrent<TypeParam>({});
  spread_weights(layer);
  const auto initial = starts(layer);
  const Tensor x = wave({kTime, kBatch, kInput});
  const auto result = layer(x, {.initial = initial});
  const Weights weights(layer);
  for (Index row = 0; row < kBatch; row++) {
    const auto start = tensors_of(initial[0]);
    Row h = elements(start[0][row]);
    Row c = elements(start.back()[row]);
    for (Index t = 0; t < kTime; t++) {
      advance(TypeParam(), weights, elements(x[t][row]), h, c);
      const Row actual = elements(result.outputs[t][row]);
      for (std::size_t j = 0; j < h.size(); j++) EXPECT_NEAR(actual[j], h[j], 1e-13);
    }
    if constexpr (std::is_same_v<TypeParam, Lstm>) {
      const Row actual = elements(result.final[0].c[row]);
      for (std::size_t j = 0; j < c.size(); j++) EXPECT_NEAR(actual[j], c[j], 1e-13);
    }
  }
}

// Rows of unequal length that start anew, also at their first step, at their end and behind it,
// where nothing is left to start; read in both directions.
TYPED_TEST(Bug14, ResetsAndLengthsTogetherAreALoopOverEachRow) {
  auto layer = recurrent<TypeParam>({});
  spread_weights(layer);
  const auto initial = starts(layer);
  const Tensor x = wave({kTime, kBatch, kInput});
  const Lengths lengths = {3, kTime, 0, 1, 4};
  const Tensor reset = mask({kTime, kBatch}, {0, 2, 3, 5, 7, 11, 15, 16, 19, 21, 24, 25, 26, 29});
  const Weights weights(layer);
  for (const bool reverse : {false, true}) {
    const auto result =
        layer(x, {.lengths = lengths, .initial = initial, .reset = reset, .reverse = reverse});
    for (Index row = 0; row < kBatch; row++) {
      const auto start = tensors_of(initial[0]);
      Row h = elements(start[0][row]);
      Row c = elements(start.back()[row]);
      const Index length = lengths[static_cast<std::size_t>(row)];
      for (Index i = 0; i < length; i++) {
        const Index t = reverse ? length - 1 - i : i;
        // A row starts anew at the step that is marked: read backwards, that is its last.
        const Index mark = reverse ? t + 1 : t;
        if (mark < length && reset[mark][row].item() != 0) {
          h.assign(h.size(), 0);
          c.assign(c.size(), 0);
        }
        advance(TypeParam(), weights, elements(x[t][row]), h, c);
        const Row actual = elements(result.outputs[t][row]);
        for (std::size_t j = 0; j < h.size(); j++) {
          EXPECT_NEAR(actual[j], h[j], 1e-13) << row << ", " << t << (reverse ? " reversed" : "");
        }
      }
      const Row final = elements(first_tensor(result.final[0])[row]);
      for (std::size_t j = 0; j < h.size(); j++) EXPECT_NEAR(final[j], h[j], 1e-13) << row;
    }
  }
}

TEST(ElmanCell, HasThreeActivations) {
  const Tensor x = cast(wave({2, 2, kInput}), float32);
  const auto outputs = [&](nn::ElmanActivation activation) {
    Rng same(1);
    const nn::Recurrent layer(
        [&](Index in) { return nn::ElmanCell(in, kHidden, same, {.activation = activation}); },
        {.input = kInput, .hidden = kHidden});
    return elements(layer(x).outputs[0]);
  };
  const auto tanh = outputs(nn::ElmanActivation::tanh);
  const auto relu = outputs(nn::ElmanActivation::relu);
  const auto sigmoid = outputs(nn::ElmanActivation::sigmoid);
  for (std::size_t i = 0; i < tanh.size(); i++) {
    const double z = std::atanh(tanh[i]);
    EXPECT_NEAR(relu[i], std::max(z, 0.0), 1e-6);
    EXPECT_NEAR(sigmoid[i], sigmoid_of(z), 1e-6);
  }
}

TEST(GateWeights, AreDrawnByTheHiddenSizeWhateverTheInput) {
  Rng rng(1);
  const nn::GateWeights weights(4, 100, 16, rng);
  for (const Parameter& p : nn::parameters(weights)) {
    double least = 1, most = -1;
    for (double v : elements(p.value())) {
      least = std::min(least, v);
      most = std::max(most, v);
    }
    EXPECT_NEAR(least, -0.25, 0.02) << p.spec().shape.count();
    EXPECT_NEAR(most, 0.25, 0.02) << p.spec().shape.count();
  }
}

TEST(LSTMCell, MayStartWithALargerForgetBias) {
  Rng a(1), b(1);
  const nn::LSTMCell plain(kInput, kHidden, a);
  const nn::LSTMCell remembers(kInput, kHidden, b, {.forget_bias = 1});
  const Row before = elements(plain.weights.bias_ih.value());
  const Row after = elements(remembers.weights.bias_ih.value());
  for (std::size_t i = 0; i < before.size(); i++) {
    const bool forget = i >= kHidden && i < 2 * kHidden;
    EXPECT_NEAR(after[i] - before[i], forget ? 1 : 0, 1e-6);
  }
}

}  // namespace
}  // namespace rw::test
