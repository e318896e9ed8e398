// Recurrent layers in segments, and over sequences too long to keep.
#include <gtest/gtest.h>

#include "nn/recurrent_kinds.h"
#include "rewind/nn/loss.h"
#include "rewind/optim/adam.h"
#include "rewind/tensor/creation.h"

namespace rw::test {
namespace {

template <class Kind>
class SegmentedRecurrent : public testing::Test {};
TYPED_TEST_SUITE(SegmentedRecurrent, Kinds, KindNames);

// Layers, directions, lengths, resets, and all states.
TYPED_TEST(SegmentedRecurrent, HasTheGradientsOfTheWhole) {
  const auto layer = recurrent<TypeParam>({.layers = 2, .bidirectional = true});
  const auto roots = [](const auto& result) {
    std::vector<Upstream> from = everything(result);
    double phase = 30;
    for (const Tensor& x : tensors_of(result.states)) from.push_back({x, wave(x.shape(), ++phase)});
    return from;
  };
  nn::RecurrentCall<typename TypeParam::Cell::State> call{
      .lengths = {6, 0, 3, 5, 1},
      .initial = starts(layer),
      .reset = mask({kTime, kBatch}, {5, 12, 17, 23}),
      .states = true};
  const auto whole = gradients_of(layer, layer_input(), call, roots);
  call.segments = 4;
  const auto parts = gradients_of(layer, layer_input(), call, roots);
  expect_close(parts, whole);
  const PlainLoops plainly;
  expect_close(parts, gradients_of(layer, layer_input(), call, roots));
}

// To end in a state of 0.5 throughout.
TEST(SegmentedRecurrent, TrainsOver100000Steps) {
  Rng rng(3);
  nn::Recurrent<nn::GRUCell> layer({.input = 1, .hidden = 4}, rng);
  const Tensor x = ones({100'000, 2, 1}), wanted = full({2, 4}, 0.5);
  optim::Adam adam(nn::parameters(layer), {.learning_rate = 0.05});
  double first = 0, loss = 0;
  for (int step = 0; step < 4; step++) {
    Tape tape;
    const Tensor error = nn::mse(layer(x, {.segments = 316}).final[0], wanted);
    loss = error.item();
    if (step == 0) first = loss;
    adam.step(tape.backward(error));
  }
  EXPECT_LT(loss, 0.9 * first);
}

}  // namespace
}  // namespace rw::test
