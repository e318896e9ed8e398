// Whose memory a planned scan writes to, holds, and lets go.
#include <gtest/gtest.h>

#include "autograd/engine/cells.h"
#include "autograd/engine/looks_at.h"
#include "rewind/autograd/engine/run/packed.h"
#include "rewind/autograd/stream.h"
#include "rewind/nn/elman.h"
#include "rewind/nn/lstm.h"
#include "rewind/nn/parameters.h"
#include "rewind/nn/recurrent.h"
#include "rewind/optim/sgd.h"
#include "rewind/tensor/cumsum.h"
#include "support/message_of.h"

namespace rw::test {
namespace {

TEST(Ownership, InputsAreNotWrittenToThroughOperationsOfAUser) {
  const Tensor xs = numbers({T, B, H}, 1), w = numbers({H, H}, 2);
  const Tensor before = xs + 0.0;
  const auto step = [&](const Tensor& x, const Tensor& h) {
    return tanh(apply(LooksAt{}, x) + matmul(h, w));
  };
  const Tensor planned = scan(step, xs, numbers({B, H}, 3)).outputs;
  EXPECT_EQ(largest_difference(xs, before), 0);
  const PlainLoops plainly;
  EXPECT_LE(largest_difference(planned, scan(step, xs, numbers({B, H}, 3)).outputs), 1e-12);
}

TEST(Ownership, ABatchOfOneMayBeRepeated) {
  const Tensor xs = numbers({T, 1, I}, 1), w = numbers({I, H}, 2);
  const auto step = [&](const Tensor& x, const Tensor& h) {
    return tanh(h + sum(matmul(expand(x, {4, I}), w), 0, true));
  };
  const Tensor planned = scan(step, xs, numbers({1, H}, 3)).outputs;
  const PlainLoops plainly;
  EXPECT_LE(largest_difference(planned, scan(step, xs, numbers({1, H}, 3)).outputs), 1e-12);
}

template <class Step>
std::string refusal(Step step) {
  return message_of<ShapeError>([&] {
    scan(step, numbers({T, B, H}, 1), numbers({B, H}, 2), {.lengths = {1, 3, 2}});
  });
}

TEST(Ownership, RowsThatNobodyCanSortAreRefusedWithLengths) {
  const Tensor a = numbers({B, B}, 5);
  const std::string mixes = "scan: the step mixes rows of the batch, or seems to, ";
  EXPECT_EQ(refusal([&](const Tensor& x, const Tensor& h) {
              return std::pair(tanh(x + h), expand(sum(h, 0, true), {B, H}));
            }).rfind(mixes, 0),
            0u);
  EXPECT_EQ(refusal([&](const Tensor&, const Tensor& h) { return matmul(a, h); }).rfind(mixes, 0),
            0u);
  EXPECT_EQ(refusal([&](const Tensor&, const Tensor& h) {
              return expand(sum(h, 0, true), {B, H});
            }).rfind(mixes, 0),
            0u);
  EXPECT_EQ(refusal([&](const Tensor&, const Tensor&) {
              return cumsum(bernoulli({B, H}, {.p = 0.7, .dtype = float64}), 0);
            }).rfind(mixes, 0),
            0u);
}

// A matrix of which one use takes the rows as they are, and the other sorts them.
TEST(Ownership, RowsOfACapturedTensorAreNotSortedForOneUseAlone) {
  const Tensor w = numbers({B, B}, 4);
  const auto refused = [&](auto step) {
    const std::string text = message_of<ShapeError>([&] {
      scan(step, numbers({T, B, B}, 1), numbers({B, B}, 2), {.lengths = {1, 3, 2}});
    });
    return text.rfind("scan: the step mixes rows of the batch, or seems to, ", 0) == 0;
  };
  EXPECT_TRUE(
      refused([&](const Tensor& x, const Tensor& h) { return tanh(matmul(h, w) + x) + w; }));
  EXPECT_TRUE(
      refused([&](const Tensor& x, const Tensor& h) { return matmul(tanh(h + w), w) + x; }));
}

TEST(Ownership, TheLastStateIsNoPartOfAllStates) {
  const auto result = scan([](const Tensor& x, const Tensor& h) { return tanh(x + h); },
                           numbers({T, B, H}, 1), numbers({B, H}, 2));
  EXPECT_FALSE(result.final.shares_storage_with(result.outputs));
}

TEST(Ownership, AScanWithLengthsMayStandInAStep) {
  const auto inner = [](const Tensor& x, const Tensor& h) { return tanh(x + h); };
  const auto step = [&](const Tensor& x, const Tensor& h) {
    const Tensor steps = stack({x, h, x * h});
    return scan(inner, steps, h, {.lengths = {1, 3, 2}}).final;
  };
  const Tensor planned = scan(step, numbers({T, B, H}, 1), numbers({B, H}, 2)).outputs;
  const PlainLoops plainly;
  const Tensor plain = scan(step, numbers({T, B, H}, 1), numbers({B, H}, 2)).outputs;
  EXPECT_LE(largest_difference(planned, plain), 1e-12);
}

TEST(Ownership, PackedFormsOfWeightsThatWereReplacedAreLetGo) {
  Rng rng(2);
  nn::Recurrent<nn::LSTMCell> layer({.input = 3, .hidden = 6}, rng);
  optim::SGD sgd(nn::parameters(layer), {.learning_rate = 0.1});
  const Tensor x = uniform({4, 2, 3}, {}, rng);
  const auto train = [&] {
    Tape tape;
    const Tensor loss = mean(square(layer(x).outputs));
    sgd.step(tape.backward(loss));
  };
  for (int i = 0; i < 3; i++) train();
  const std::size_t before = engine::remembered_forms();
  for (int i = 0; i < 20; i++) train();
  EXPECT_LE(engine::remembered_forms(), before);
}

TEST(Ownership, AStreamSeesParametersThatChangePlaces) {
  Rng rng(2);
  nn::ElmanCell a(3, 6, rng), b(3, 6, rng);
  const Tensor x = uniform({4, 2, 3}, {}, rng), h = zeros({2, 6});
  const auto step = [&](const Tensor& in, const Tensor& state) { return a.step(in, state); };
  auto player = stream(step, x[0], h);
  player.run(x);
  std::swap(a, b);
  player.set_state(h);
  EXPECT_EQ(largest_difference(player.run(x), scan(step, x, h).outputs), 0);
}

}  // namespace
}  // namespace rw::test
