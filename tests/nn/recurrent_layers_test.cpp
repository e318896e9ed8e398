// What layers, directions and axes are made of: mistakes that recurrent layers elsewhere were
// shipped with, named by their numbers in our list of them.
#include <gtest/gtest.h>

#include "nn/recurrent_kinds.h"

namespace rw::test {
namespace {

template <class Kind>
class RecurrentLayers : public testing::Test {};
TYPED_TEST_SUITE(RecurrentLayers, Kinds, KindNames);

// burn PR #2704: a GRU that was wrong after its first step.
TYPED_TEST(RecurrentLayers, Bug09IsTheLoopOverItsCell) {
  Rng rng(3);
  typename TypeParam::Cell cell = TypeParam::make(kInput, kHidden, rng);
  nn::to(cell, float64);
  const nn::Recurrent layer([&](Index) { return typename TypeParam::Cell(cell); },
                            {.input = kInput, .hidden = kHidden});
  const Tensor x = layer_input();

  Tape tape;
  auto state = layer.initial(kBatch)[0];
  std::vector<Tensor> ys;
  for (Index t = 0; t < kTime; t++) {
    state = cell.step(x[t], state);
    ys.push_back(first_tensor(state));
  }
  const Tensor expected = stack(ys);
  const Tensor dy = wave(expected.shape(), 10);
  const Gradients by_hand = tape.backward({{expected, dy}});
  const Pause pause;
  Tape other;
  const Tensor outputs = layer(x).outputs;
  const Gradients gradients = other.backward({{outputs, dy}});
  EXPECT_LE(largest_difference(outputs, expected), 1e-14);
  const auto mine = nn::parameters(layer);
  const auto hand = nn::parameters(cell);
  for (std::size_t i = 0; i < mine.size(); i++) {
    EXPECT_LE(largest_difference(gradients[mine[i]], by_hand[hand[i]]), 1e-12);
  }
}

// mlx #3249: without an initial state, a GRU left out one of its biases.
TYPED_TEST(RecurrentLayers, Bug10NoInitialStateIsOneOfZeros) {
  const auto layer = recurrent<TypeParam>({.layers = 2, .bidirectional = true});
  const auto zero = layer.initial(kBatch);
  EXPECT_EQ(elements(layer(layer_input()).outputs),
            elements(layer(layer_input(), {.initial = zero}).outputs));
  const auto all = [](const auto& result) { return everything(result); };
  const auto without = gradients_of(layer, layer_input(), {}, all);
  auto with = gradients_of(layer, layer_input(), {.initial = zero}, all);
  with.erase(with.begin() + 1, with.begin() + 1 + std::ssize(tensors_of(zero)));
  expect_same_bits(without, with);
}

// onnx-tensorflow #408, #409: initial states together with both directions.
TYPED_TEST(RecurrentLayers, Bug11EachDirectionStartsFromItsOwnState) {
  using Cell = typename TypeParam::Cell;
  Rng rng(3);
  std::vector<Cell> cells;
  for (int i = 0; i < 2; i++) {
    cells.push_back(TypeParam::make(kInput, kHidden, rng));
    nn::to(cells.back(), float64);
  }
  std::size_t next = 0;
  const auto make = [&](Index) { return Cell(cells.at(next++)); };
  const nn::RecurrentOptions options{.input = kInput, .hidden = kHidden};
  nn::RecurrentOptions both_options = options;
  both_options.bidirectional = true;
  const nn::Recurrent both(make, both_options);
  next = 0;
  const nn::Recurrent forward(make, options);
  const nn::Recurrent backward(make, options);
  const auto state = starts(both);
  for (bool given : {false, true}) {
    using Call = nn::RecurrentCall<typename Cell::State>;
    Call call, call_forward, call_backward{.reverse = true};
    if (given) {
      call.initial = state;
      call_forward.initial = {state[0]};
      call_backward.initial = {state[1]};
    }
    const auto result = both(layer_input(), call);
    const auto f = forward(layer_input(), call_forward);
    const auto b = backward(layer_input(), call_backward);
    EXPECT_EQ(elements(result.outputs), elements(concat({f.outputs, b.outputs})));
    EXPECT_EQ(elements(result.last), elements(concat({f.last, b.last})));
    expect_same_bits(tensors_of(result.final), tensors_of(std::vector{f.final[0], b.final[0]}));
  }
}

// mxnet #17479: wrong where there are layers and the sizes of input and state differ. PR #18203:
// middle layers that read the gradients of others.
TYPED_TEST(RecurrentLayers, Bug12LayersAreTheCompositionOfSingleOnes) {
  using Cell = typename TypeParam::Cell;
  std::vector<Cell> cells;
  Rng rng(3);
  for (Index in : {kInput, kHidden, kHidden}) {
    cells.push_back(TypeParam::make(in, kHidden, rng));
    nn::to(cells.back(), float64);
  }
  std::size_t next = 0;
  const auto make = [&](Index) { return Cell(cells.at(next++)); };
  const nn::Recurrent stacked(make, {.input = kInput, .hidden = kHidden, .layers = 3});
  next = 0;
  std::vector<nn::Recurrent<Cell>> single;
  for (Index in : {kInput, kHidden, kHidden}) {
    single.emplace_back(make, nn::RecurrentOptions{.input = in, .hidden = kHidden});
  }
  Tape tape;
  Tensor y = layer_input();
  for (const auto& layer : single) y = layer(y).outputs;
  const Tensor dy = wave(y.shape(), 10);
  const Gradients expected = tape.backward({{y, dy}});
  const Pause pause;
  Tape other;
  const Tensor outputs = stacked(layer_input()).outputs;
  const Gradients gradients = other.backward({{outputs, dy}});
  EXPECT_EQ(elements(outputs), elements(y));
  std::size_t i = 0;
  const std::vector<Parameter> all = nn::parameters(stacked);
  for (const auto& layer : single) {
    for (const Parameter& p : nn::parameters(layer)) {
      EXPECT_EQ(elements(gradients[all[i++]]), elements(expected[p]));
    }
  }
}

// candle PR #2542: [batch, time * hidden] for [batch, time, hidden]; #2351: other names and layouts
// than those that weights were imported from.
TYPED_TEST(RecurrentLayers, Bug23BatchFirstIsTheSameTransposed) {
  const nn::RecurrentOptions options{.layers = 2, .bidirectional = true};
  nn::RecurrentOptions transposed = options;
  transposed.batch_first = true;
  const auto layer = recurrent<TypeParam>(options);
  const auto other = recurrent<TypeParam>(transposed);
  const Lengths lengths = {3, kTime, 0, 1, 4};
  const Tensor reset = mask({kTime, kBatch}, {2 * kBatch + 1, 3 * kBatch + 4});
  const auto a = layer(layer_input(), {.lengths = lengths, .reset = reset, .states = true});
  const auto b = other(transpose(layer_input(), 0, 1),
                       {.lengths = lengths, .reset = transpose(reset), .states = true});
  EXPECT_EQ(a.outputs.shape(), (Dims{kTime, kBatch, 2 * kHidden}));
  EXPECT_EQ(b.outputs.shape(), (Dims{kBatch, kTime, 2 * kHidden}));
  EXPECT_EQ(elements(transpose(b.outputs, 0, 1)), elements(a.outputs));
  EXPECT_EQ(elements(b.last), elements(a.last));
  expect_same_bits(tensors_of(b.final), tensors_of(a.final));
  for (std::size_t i = 0; i < a.states.size(); i++) {
    EXPECT_EQ(elements(transpose(first_tensor(b.states[i]), 0, 1)),
              elements(first_tensor(a.states[i])));
  }
}

TEST(Bug23, ParametersHavePyTorchsNamesAndShapes) {
  const auto layer = recurrent<Lstm>({.layers = 2, .bidirectional = true});
  std::vector<std::string> names;
  for (const auto& p : nn::named_parameters(layer)) {
    names.push_back(p.name + " " + to_string(p.parameter.shape()));
  }
  const std::vector<std::string> expected = {"weight_ih_l0 [16, 3]",
                                             "weight_hh_l0 [16, 4]",
                                             "bias_ih_l0 [16]",
                                             "bias_hh_l0 [16]",
                                             "weight_ih_l0_reverse [16, 3]",
                                             "weight_hh_l0_reverse [16, 4]",
                                             "bias_ih_l0_reverse [16]",
                                             "bias_hh_l0_reverse [16]",
                                             "weight_ih_l1 [16, 8]",
                                             "weight_hh_l1 [16, 4]",
                                             "bias_ih_l1 [16]",
                                             "bias_hh_l1 [16]",
                                             "weight_ih_l1_reverse [16, 8]",
                                             "weight_hh_l1_reverse [16, 4]",
                                             "bias_ih_l1_reverse [16]",
                                             "bias_hh_l1_reverse [16]"};
  EXPECT_EQ(names, expected);
}

}  // namespace
}  // namespace rw::test
