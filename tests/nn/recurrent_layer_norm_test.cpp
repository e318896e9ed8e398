// Layer normalization inside the step of a cell: a layer of such cells is what plain loops make of
// it, and its derivatives are right.
#include <gtest/gtest.h>

#include "nn/recurrent_kinds.h"
#include "rewind/autograd/gradcheck.h"
#include "rewind/nn/layer_norm.h"
#include "rewind/tensor/regions.h"

namespace rw::test {
namespace {

// Ba, Kiros and Hinton (2016), section 4, as a unit with one gate: sums that come from x and from h
// are normalized apart, and what goes out is, too.
struct NormedCell {
  using State = Tensor;
  nn::Linear from_x, from_h;
  nn::LayerNorm norm_x, norm_h, norm_out;

  NormedCell(Index input, Index hidden, Rng& rng)
      : from_x(input, 2 * hidden, rng),
        from_h(hidden, 2 * hidden, rng, {.bias = false}),
        norm_x(2 * hidden),
        norm_h(2 * hidden),
        norm_out(hidden) {}

  State initial(Index batch) const {
    return nn::zero_state(batch, norm_out.features, from_h.weight);
  }

  std::pair<State, Tensor> step(const Tensor& x, const State& h) const {
    const Tensor z = norm_x(from_x(x)) + norm_h(from_h(h));
    const Index hidden = norm_out.features;
    const Tensor f = sigmoid(slice(z, 1, 0, hidden));
    const Tensor next = f * h + (1 - f) * tanh(slice(z, 1, hidden, 2 * hidden));
    return {next, norm_out(next)};
  }

  static void members(auto& self, auto&& visit) {
    visit("from_x", self.from_x);
    visit("from_h", self.from_h);
    visit("norm_x", self.norm_x);
    visit("norm_h", self.norm_h);
    visit("norm_out", self.norm_out);
  }
};

struct Normed {
  using Cell = NormedCell;
  static Cell make(Index input, Index hidden, Rng& rng) { return Cell(input, hidden, rng); }
};

// With scales and shifts that are all different, too.
template <class Module>
void spread_weights(Module& module) {
  double phase = 50;
  nn::for_each_parameter(module, [&](const std::string&, Parameter& p) {
    p.value() = p.value() + 0.3 * wave(p.shape(), phase += 1);
  });
}

auto layer_of(nn::RecurrentOptions options) {
  auto layer = recurrent<Normed>(options);
  spread_weights(layer);
  return layer;
}

// The step by its definition, one number at a time.
std::vector<double> normalized(const Tensor& row, const nn::LayerNorm& norm) {
  std::vector<double> x = elements(row);
  const std::vector<double> weight = elements(norm.weight.value());
  const std::vector<double> bias = elements(norm.bias.value());
  double mean = 0, variance = 0;
  const auto count = static_cast<double>(x.size());
  for (const double v : x) mean += v / count;
  for (const double v : x) variance += (v - mean) * (v - mean) / count;
  for (std::size_t i = 0; i < x.size(); i++) {
    x[i] = (x[i] - mean) / std::sqrt(variance + norm.epsilon) * weight[i] + bias[i];
  }
  return x;
}

TEST(RecurrentLayerNorm, IsItsDefinition) {
  Rng rng(7);
  NormedCell cell(kInput, kHidden, rng);
  nn::to(cell, float64);
  spread_weights(cell);
  const nn::Recurrent layer([&](Index) { return NormedCell(cell); },
                            {.input = kInput, .hidden = kHidden});
  const Tensor x = layer_input();
  const Tensor outputs = layer(x).outputs;
  for (Index row = 0; row < kBatch; row++) {
    std::vector<double> h(kHidden, 0);
    for (Index t = 0; t < kTime; t++) {
      const auto zx = normalized(cell.from_x(x[t][row]), cell.norm_x);
      const auto zh = normalized(cell.from_h(from_span(h, {kHidden})), cell.norm_h);
      for (std::size_t i = 0; i < kHidden; i++) {
        const double f = 1 / (1 + std::exp(-zx[i] - zh[i]));
        h[i] = f * h[i] + (1 - f) * std::tanh(zx[i + kHidden] + zh[i + kHidden]);
      }
      const auto expected = normalized(from_span(h, {kHidden}), cell.norm_out);
      const auto found = elements(outputs[t][row]);
      for (std::size_t i = 0; i < kHidden; i++) EXPECT_NEAR(found[i], expected[i], 1e-12) << t;
    }
  }
}

TEST(RecurrentLayerNorm, IsThePlainLoopInEveryWay) {
  const auto layer = layer_of({.layers = 2, .bidirectional = true});
  const auto roots = [](const auto& result) { return everything(result); };
  nn::RecurrentCall<Tensor> call{.initial = starts(layer)};
  for (const Lengths& lengths : {Lengths{}, Lengths{3, kTime, 0, 1, 4}}) {
    for (const bool resets : {false, true}) {
      for (const Index segments : {0, 3}) {
        call.lengths = lengths;
        call.reset = resets ? mask({kTime, kBatch}, {5, 12, 17, 23}) : Tensor();
        call.segments = segments;
        Tensor x = layer_input();
        for (std::size_t row = 0; row < lengths.size(); row++) {
          x.set({Range{lengths[row], kEnd}, row}, std::nan(""));
        }
        const Tensor outputs = layer(x, call).outputs;
        const auto planned = gradients_of(layer, x, call, roots);
        const PlainLoops plainly;
        EXPECT_LE(largest_difference(outputs, layer(x, call).outputs), 1e-13);
        expect_close(planned, gradients_of(layer, x, call, roots));
      }
    }
  }
}

TEST(RecurrentLayerNorm, HasRightFirstAndSecondDerivatives) {
  const auto layer = layer_of({.hidden = 3});
  std::vector<Tensor> point{wave({3, 2, kInput}), wave({2, 3}, 40)};
  for (const Parameter& p : nn::parameters(layer)) point.push_back(p.value());
  const auto f = [&](const std::vector<Tensor>& tensors) {
    std::size_t next = 2;
    const auto moved =
        nn::map_parameters(layer, [&](const Parameter&) { return Tensor(tensors.at(next++)); });
    const auto result = moved(tensors[0], {.initial = {tensors[1]}});
    return std::vector<Tensor>{result.outputs, result.final[0]};
  };
  EXPECT_TRUE(gradcheck(f, point));
  EXPECT_TRUE(gradgradcheck(f, point));
}

TEST(RecurrentLayerNorm, StreamsHaveTheBitsOfTheSequence) {
  auto layer = layer_of({.hidden = 20, .layers = 2});
  nn::to(layer, float32);
  const Tensor x = cast(layer_input(15, 3), float32);
  const auto whole = layer(x);
  auto player = layer.stream(3);
  EXPECT_EQ(elements(player.run(x)), elements(whole.outputs));
  expect_same_bits(tensors_of(player.state()), tensors_of(whole.final));
}

}  // namespace
}  // namespace rw::test
