// Dropout between recurrent layers, and chance at any number of threads: mistakes that layers
// elsewhere were shipped with, named by their numbers in our list of them.
#include <gtest/gtest.h>

#include "nn/recurrent_kinds.h"
#include "rewind/tensor/parallel.h"

namespace rw::test {
namespace {

template <class Kind>
class RecurrentDropout : public testing::Test {};
TYPED_TEST_SUITE(RecurrentDropout, Kinds, KindNames);

// OpenNMT-py #29: dropout also after the last layer.
TEST(Bug17, DropoutDrawsOneMaskBetweenTwoLayers) {
  for (Index layers : {1, 2, 4}) {
    const auto layer = recurrent<Elman>({.layers = layers, .bidirectional = true, .dropout = 0.5});
    const Random scope(5);
    Tape tape;
    const auto result = layer(layer_input());
    EXPECT_EQ(Random::state(), Rng(5, static_cast<std::uint64_t>(layers - 1)));
    for (double y : elements(result.outputs)) EXPECT_NE(y, 0);
  }
}

TEST(Bug17, DropoutLeavesTheFinalStatesOfALayerAlone) {
  const auto layer = recurrent<Elman>({.layers = 2, .dropout = 1});
  Tape tape;
  const auto result = layer(layer_input());
  for (double h : elements(result.final[0])) EXPECT_NE(h, 0);
}

// Paddle PR #37080, pytorch #190056: p = 0 and p = 1 as special cases gone wrong.
TYPED_TEST(RecurrentDropout, Bug03DropoutOfNothingIsNone) {
  const auto all = [](const auto& result) { return everything(result); };
  const auto plain = recurrent<TypeParam>({.layers = 3});
  const auto zero = recurrent<TypeParam>({.layers = 3, .dropout = 0});
  const auto half = recurrent<TypeParam>({.layers = 3, .dropout = 0.5});
  const auto expected = gradients_of(plain, layer_input(), {}, all);
  expect_same_bits(gradients_of(zero, layer_input(), {}, all), expected);
  expect_same_bits(gradients_of(half, layer_input(), {}, all, false), expected);
  EXPECT_EQ(elements(half(layer_input()).outputs), elements(plain(layer_input()).outputs));
}

TYPED_TEST(RecurrentDropout, Bug04DropoutOfEverythingIsFinite) {
  const auto layer = recurrent<TypeParam>({.layers = 2, .dropout = 1});
  const auto gradients = gradients_of(layer, layer_input(), {}, [](const auto& result) {
    return std::vector<Upstream>{{result.outputs, wave(result.outputs.shape())}};
  });
  for (double g : elements(gradients[0])) EXPECT_EQ(g, 0);
  for (const Tensor& gradient : gradients) {
    for (double g : elements(gradient)) EXPECT_TRUE(std::isfinite(g));
  }
}

TYPED_TEST(RecurrentDropout, Bug04GradientsGoThroughTheMaskThatWasDrawn) {
  const auto layer = recurrent<TypeParam>({.layers = 3, .dropout = 0.4});
  const Parameter x(layer_input(3));
  expect_gradients(
      [&] {
        const Random scope(5);  // the same masks each time
        const Training on(true);
        return layer(Tensor(x)).outputs;
      },
      variables({&x}));
}

// AiDotNet.Tensors PR #684, ngraph PR #3006: masks and first weights that depend on the threads.
TEST(Bug41, MasksAndFirstWeightsAreTheSameForAnyNumberOfThreads) {
  const auto run = [](int threads) {
    const Threads limit(threads);
    Rng rng(3);
    const nn::Recurrent<nn::GRUCell> layer({.input = 3, .hidden = 96, .layers = 2, .dropout = 0.5},
                                           rng);
    const Random scope(4);
    Tape tape;
    const Tensor y = layer(cast(layer_input(4, 64), float32)).outputs;
    return std::vector<Tensor>{y, nn::parameters(layer)[1].value()};
  };
  const auto expected = run(1);
  for (int threads : {2, 3, 5, 8, 16}) expect_same_bits(run(threads), expected);
}

}  // namespace
}  // namespace rw::test
