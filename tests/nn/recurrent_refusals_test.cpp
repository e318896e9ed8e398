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
      "in it or after it: return them, look at them with note, or use loop(...) or PlainLoops";
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
               "loop(...) or PlainLoops");
  const auto other = layer_of([&](const Tensor& x, const Tensor& h) { return h + x * escaped; });
  const auto text =
      "scan: a float32 [5, 4] of another step is used, of which only the shape is known; return it "
      "from its step, or look at it with note";
  EXPECT_ERROR(other(xs()), ValueError, text);
  EXPECT_ERROR(other.stream(kBatch), ValueError, text);
}

TEST(RefusesOfRecurrent, AStepThatMixesRowsWithLengths) {
  const auto layer =
      layer_of([](const Tensor& x, const Tensor& h) { return h + x - mean(h, 0, true); });
  EXPECT_ERROR(
      layer(xs(), {.lengths = {1, 2, 3, 4, 5}}), ShapeError,
      "scan: the step mixes rows of the batch, or seems to, mean{[0], true} of float32 [5, 4], and "
      "with lengths they are not all there; if it keeps them apart, use loop or "
      "PlainLoops, or declare an operation of yours `rowwise`");
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
    const auto text =
        "recurrent: tensor 0 of the state that the cell's step returns is " + became +
        ", and float32 [5, 4] as the step takes it; a state keeps its shape and dtype";
    EXPECT_ERROR(layer(xs()), ShapeError, text.c_str());
    EXPECT_ERROR(layer.stream(kBatch), ShapeError, text.c_str());
    const PlainLoops plainly;
    EXPECT_ERROR(layer(xs()), ShapeError, text.c_str());
  };
  refuses([](const Tensor& x, const Tensor& h) { return concat({h, x}); }, "float32 [5, 8]");
  refuses([](const Tensor& x, const Tensor& h) { return to(h + x, float64); }, "float64 [5, 4]");
}

// The step itself may be the first to notice.
TEST(RefusesOfRecurrent, AStateOfAnotherWidthThanTheStepMeans) {
  const auto layer =
      layer_of([](const Tensor& x, const Tensor& h) { return slice(x, 1, 0, 3) + h; });
  const auto text =
      "add: shapes [5, 3] and [5, 4] do not broadcast; sizes 3 and 4 are neither equal nor 1 (in "
      "the cell's step, where x is float32 [5, 4] and a state float32 [5, 4], as given or made by "
      "initial())";
  EXPECT_ERROR(layer(xs()), ShapeError, text);
  EXPECT_ERROR(layer.stream(kBatch), ShapeError, text);
  EXPECT_ERROR(layer.step(xs()[0], layer.initial(kBatch)), ShapeError, text);
}

// By the library's cells, which would take them for one row, and by those of users.
TEST(RefusesOfRecurrent, TokensWithoutAnEmbedding) {
  const Tensor tokens = zeros({kTime, kBatch}, int64);
  const auto text = [](const char* why) {
    return fmt::format(
        "recurrent: x is int64 [5] at each step, which the cell's step does not take ({}); look "
        "tokens up first: encoder(embed(tokens)), or encoder(tokens, {{}}, embed)",
        why);
  };
  const auto own = layer_of([](const Tensor& x, const Tensor& h) { return h * x; });
  const auto of_own =
      text("multiply: dtypes differ, float32 [5, 4] and int64 [5]; convert one with to(x, dtype)");
  EXPECT_ERROR(own(tokens), DtypeError, of_own.c_str());
  EXPECT_ERROR(own.stream(tokens[0]), DtypeError, of_own.c_str());
  EXPECT_ERROR(own.step(tokens[0], own.initial(kBatch)), DtypeError, of_own.c_str());
  Rng rng(1);
  const nn::Recurrent<nn::GRUCell> gru({.input = kInput, .hidden = kHidden}, rng);
  EXPECT_ERROR(
      gru(tokens), DtypeError,
      text(
          "cell: the input of a step is [batch, 3], got [5]; a sequence of one row is [time, 1, 3]")
          .c_str());
}

struct SummingCell : AnyCell {
  Tensor (*of_step)(const Tensor& h);
  std::pair<Tensor, Tensor> step(const Tensor& x, const Tensor& h) const {
    return {h + x, of_step(h)};
  }
};

TEST(RefusesOfRecurrent, OutputsWithoutTheAxesThatALayerArranges) {
  const auto refuses = [](Tensor (*of_step)(const Tensor& h), nn::RecurrentOptions options,
                          const std::string& what) {
    options.input = options.hidden = kHidden;
    const nn::Recurrent layer([=](Index) { return SummingCell{{}, of_step}; }, options);
    const std::string text = "recurrent: tensor 0 of the outputs of the cell's step is " + what +
                             " with batch 5; give it these axes, with expand or unsqueeze, say";
    const Tensor x = options.batch_first ? transpose(xs(), 0, 1) : xs();
    EXPECT_ERROR(layer(x), ShapeError, text.c_str());
    if (!options.bidirectional) EXPECT_ERROR(layer.stream(kBatch), ShapeError, text.c_str());
    const PlainLoops plainly;
    EXPECT_ERROR(layer(x), ShapeError, text.c_str());
  };
  const auto all = [](const Tensor& h) { return sum(h); };
  const auto rows = [](const Tensor& h) { return sum(h, 0); };
  const auto features = [](const Tensor& h) { return sum(h, 1); };
  refuses(all, {}, "float32 [], not [batch, ...]");
  refuses(rows, {}, "float32 [4], not [batch, ...]");
  refuses(rows, {.batch_first = true}, "float32 [4], not [batch, ...]");
  refuses(features, {.bidirectional = true}, "float32 [5], not [batch, ..., features]");
  const nn::Recurrent layer(
      [=](Index) {
        return SummingCell{{}, features};
      },
      {.input = kHidden, .hidden = kHidden});
  EXPECT_EQ(layer(xs()).last.shape(), Dims{kBatch});
}

TEST(RefusesOfRecurrent, ResetsThatAreNotBatchFirstWhereItsInputsAre) {
  Rng rng(1);
  const nn::Recurrent<nn::GRUCell> layer({.input = 3, .hidden = 4, .batch_first = true}, rng);
  const Tensor x = ones({2, 5, 3});
  layer(x);
  layer(x, {.reset = zeros({2, 5}, boolean)});
  EXPECT_ERROR(layer(x, {.reset = zeros({5, 2}, boolean)}), ShapeError,
               "recurrent: reset is bool [5, 2], not bool [batch, time] = [2, 5]");
}

TEST(RefusesOfRecurrent, AStateThatHoldsNothing) {
  const auto layer = layer_of([](const Tensor&, const Tensor&) { return Tensor(); });
  EXPECT_ERROR(layer(xs()), ValueError,
               "recurrent: tensor 0 of the state that the cell's step returns holds no tensor "
               "(default-constructed or moved from)");
}

template <class Layer>
constexpr bool kStreams = requires(Layer layer) {
  std::forward<Layer>(layer).stream(1);
};

// It would read weights that ended with the statement.
TEST(RefusesOfRecurrent, AStreamOfALayerThatNobodyHolds) {
  using Layer = nn::Recurrent<nn::GRUCell>;
  EXPECT_TRUE(kStreams<const Layer&>);
  EXPECT_FALSE(kStreams<Layer>);
  EXPECT_FALSE(kStreams<const Layer>);
}

}  // namespace
}  // namespace rw::test
