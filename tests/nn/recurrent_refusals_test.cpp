// What layers refuse of the step of a cell that a user wrote: what the engine does, in the engine's
// words, in sequences and in streams.
#include <gtest/gtest.h>

#include <functional>

#include "nn/recurrent_kinds.h"
#include "rewind/tensor/reduction.h"
#include "support/elements.h"

namespace rw::test {
namespace {

using Step = std::function<Tensor(const Tensor& x, const Tensor& h)>;

struct AnyCell {
  using State = Tensor;
  Step own;

  State initial(Index batch) const { return zeros({batch, kHidden}); }
  State step(const Tensor& x, const State& h) const { return own(x, h); }
  static void members(auto&, auto&&) {}
};

nn::Recurrent<AnyCell> layer_of(Step step) {
  return {[step](Index) { return AnyCell{step}; }, {.input = kHidden, .hidden = kHidden}};
}

Tensor xs() { return ones({kTime, kBatch, kHidden}); }

TEST(RefusesOfRecurrent, AValueThatIsReadInAStep) {
  const auto layer =
      layer_of([](const Tensor& x, const Tensor& h) { return h + x * sum(x).item(); });
  const auto text =
      "item: only the shape of this float32 [] is known; values of a traced step cannot be read, "
      "in it or after it: return them, look at them with note, or use loop(...)";
  EXPECT_ERROR(layer(xs()), ValueError, text);
  EXPECT_ERROR(layer.stream(kBatch), ValueError, text);
  const PlainLoops plainly;
  EXPECT_EQ(layer(xs()).outputs.shape(), xs().shape());
}

TEST(RefusesOfRecurrent, ASequenceWithoutABatch) {
  const auto layer = layer_of([](const Tensor& x, const Tensor& h) { return tanh(x + h); });
  EXPECT_ERROR(layer(ones({kTime, kHidden})), ShapeError,
               "recurrent: x is [time, batch, 4], got float32 [6, 4]; a sequence of one row is "
               "[time, 1, 4]");
  const auto of_tokens =
      layer_of([](const Tensor& x, const Tensor& h) { return h + to(unsqueeze(x, 1), float32); });
  const Tensor tokens = ones({kTime, kBatch}, int64);
  EXPECT_EQ(of_tokens(tokens).outputs.shape(), (Dims{kTime, kBatch, kHidden}));
}

TEST(RefusesOfRecurrent, AValueThatEscapedFromItsStep) {
  Tensor escaped;
  const auto layer =
      layer_of([&](const Tensor& x, const Tensor& h) { return h + (escaped = x * 2); });
  layer(xs());
  EXPECT_ERROR(escaped + 1, ValueError,
               "data: only the shape of this float32 [5, 4] is known; values of a traced step "
               "cannot be read, in it or after it: return them, look at them with note, or use "
               "loop(...)");
  const auto other = layer_of([&](const Tensor& x, const Tensor& h) { return h + x * escaped; });
  const auto text =
      "scan: a float32 [5, 4] of another step is used, of which only the shape is known; return "
      "it from its step, or look at it with note";
  EXPECT_ERROR(other(xs()), ValueError, text);
  EXPECT_ERROR(other.stream(kBatch), ValueError, text);
}

TEST(RefusesOfRecurrent, AStepThatMixesRowsWithLengths) {
  const auto layer =
      layer_of([](const Tensor& x, const Tensor& h) { return h + x - mean(h, 0, true); });
  EXPECT_ERROR(layer(xs(), {.lengths = {1, 2, 3, 4, 5}}), ShapeError,
               "scan: the step mixes rows of the batch, mean{[0], true}, and with lengths they are "
               "not all there; use loop, or declare an operation of yours `rowwise`");
  EXPECT_EQ(layer(xs()).outputs.shape(), xs().shape());
  auto player = layer.stream(kBatch);
  EXPECT_EQ(elements(player.run(xs())), elements(layer(xs()).outputs));
}

// The cell of the first layer is found too wide when it has run, or the second would say so of its
// own weights.
TEST(RefusesOfRecurrent, CellsOfOtherWidthsThanTheLayerIsMadeFor) {
  Rng rng(1);
  const auto wide = [&](Index input) { return nn::LSTMCell(input, kHidden + 3, rng); };
  const nn::Recurrent two(wide, {.input = kInput, .hidden = kHidden, .layers = 2});
  EXPECT_ERROR(two(ones({kTime, kBatch, kInput})), ShapeError,
               "recurrent: outputs of layer 0 are float32 [6, 5, 7], of 7 features, and .hidden is "
               "4; the layer above takes that many of each direction");
  EXPECT_ERROR(two.step(ones({kBatch, kInput}), two.initial(kBatch)), ShapeError,
               "recurrent: outputs of layer 0 are float32 [5, 7], of 7 features, and .hidden is 4; "
               "the layer above takes that many of each direction");
  const nn::Recurrent one(wide, {.input = kInput, .hidden = kHidden});
  EXPECT_EQ(one(ones({kTime, kBatch, kInput})).outputs.dim(2), kHidden + 3);
}

TEST(RefusesOfRecurrent, AStateThatChangesItsShapeOrDtype) {
  const auto refuses = [](const Step& step, const std::string& became) {
    const auto layer = layer_of(step);
    const auto text = [&](const char* who) {
      return who + std::string(": tensor 0 of the state that the step returns is ") + became +
             ", of the state float32 [5, 4]; a state keeps its shape and dtype";
    };
    EXPECT_ERROR(layer(xs()), ShapeError, text("scan").c_str());
    EXPECT_ERROR(layer.stream(kBatch), ShapeError, text("stream").c_str());
  };
  refuses([](const Tensor& x, const Tensor& h) { return concat({h, x}); }, "float32 [5, 8]");
  refuses([](const Tensor& x, const Tensor& h) { return to(h + x, float64); }, "float64 [5, 4]");
}

}  // namespace
}  // namespace rw::test
