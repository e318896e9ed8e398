// What Recurrent makes of a cell, and which cells it takes.
#include "rewind/nn/recurrent.h"

#include <gtest/gtest.h>

#include "nn/recurrent_kinds.h"
#include "rewind/autograd/gradcheck.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/division.h"

namespace rw::test {
namespace {

struct Stateful {
  using State = Tensor;
  State initial(Index batch) const { return zeros({batch, 1}); }
};
struct Stepping : Stateful {
  State step(const auto& x, const State& h) const { return x + h; }
};
struct Counting : Stepping {
  using State = Index;
  State initial(Index) const { return 0; }
};
static_assert(nn::Cell<Stepping> && nn::Cell<nn::Recurrent<nn::LSTMCell>>);
struct Changing : Stateful {
  State step(const Tensor& x, const State& h) { return x + h; }
};
static_assert(!nn::Cell<Stateful>, "there is no step");
static_assert(!nn::Cell<Counting>, "a number is no state");
static_assert(nn::StepsOn<const Stepping, Tensor> && nn::StepsOn<Changing, Tensor>);
static_assert(!nn::StepsOn<const Changing, Tensor>, "the step is not const");
static_assert(!nn::StepsOn<const nn::Recurrent<nn::LSTMCell>, std::vector<Tensor>>);

const Lengths kLengths = {3, kTime, 0, 1, 4};

Tensor input() { return wave({kTime, kBatch, kInput}); }

TEST(Recurrent, LastIsTheOutputOfEachRowsLastValidStep) {
  const auto layer = recurrent<Gru>({.layers = 2, .bidirectional = true});
  const auto result = layer(input(), {.lengths = kLengths});
  for (Index row = 0; row < kBatch; row++) {
    const Index length = kLengths[static_cast<std::size_t>(row)];
    const Tensor zero = zeros({kHidden}, float64);
    const Tensor y = select(result.outputs, 1, row);
    const Tensor ahead = length ? slice(y[length - 1], 0, 0, kHidden) : zero;
    const Tensor back = length ? slice(y[0], 0, kHidden, kEnd) : zero;
    EXPECT_EQ(elements(result.last[row]), elements(concat({ahead, back}))) << row;
  }
}

TEST(Recurrent, FinalIsTheStateOfEachRowAfterItsLastValidStep) {
  const auto layer = recurrent<Lstm>({.bidirectional = true});
  const auto initial = starts(layer);
  const auto result = layer(input(), {.lengths = kLengths, .initial = initial, .states = true});
  for (Index row = 0; row < kBatch; row++) {
    const Index length = kLengths[static_cast<std::size_t>(row)];
    for (std::size_t d = 0; d < 2; d++) {
      const Tensor c = result.states[d].c;
      const Tensor end = length == 0 ? initial[d].c[row] : c[d == 0 ? length - 1 : 0][row];
      EXPECT_EQ(elements(result.final[d].c[row]), elements(end));
    }
  }
}

TEST(Recurrent, StatesAreAllStatesWithTheirGradients) {
  const auto layer = recurrent<Lstm>({.layers = 2});
  const auto states = [&](const Tensor& x) {
    return tensors_of(layer(x, {.states = true}).states);
  };
  const std::vector<Tensor> all = states(input());
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[1].shape(), (Dims{kTime, kBatch, kHidden}));
  EXPECT_TRUE(gradcheck(states, {input()}));
  EXPECT_TRUE(layer(input()).states.empty());
}

TEST(Recurrent, ReversedIsTheMirrorImage) {
  const auto layer = recurrent<Lstm>({.layers = 2});
  const auto result = layer(input(), {.reverse = true});
  const auto mirror = layer(flip(input(), {0}));
  EXPECT_EQ(elements(result.outputs), elements(flip(mirror.outputs, {0})));
  EXPECT_EQ(elements(result.last), elements(mirror.last));
}

// Row 1 is two sequences, 0 to 2 and 3 to 5, in both directions.
TEST(Recurrent, AResetMakesTwoSequencesOfOne) {
  const auto layer = recurrent<Lstm>({.bidirectional = true});
  const auto initial = starts(layer);
  const Tensor reset = mask({kTime, kBatch}, {3 * kBatch + 1});
  const auto with = layer(input(), {.initial = initial, .reset = reset});

  const auto row = row_of_state(initial, 1);
  const auto fresh = layer.initial(1);
  const Tensor x = row_of(input(), 1, kTime);
  const auto head = layer(slice(x, 0, 0, 3), {.initial = {row[0], fresh[1]}});
  const auto tail = layer(slice(x, 0, 3, kTime), {.initial = {fresh[0], row[1]}});
  EXPECT_LE(
      largest_difference(row_of(with.outputs, 1, kTime), concat({head.outputs, tail.outputs}, 0)),
      1e-14);
  EXPECT_LE(largest_difference(slice(with.final[0].c, 0, 1, 2), tail.final[0].c), 1e-14);
  EXPECT_LE(largest_difference(slice(with.final[1].c, 0, 1, 2), head.final[1].c), 1e-14);
  const auto without = layer(input(), {.initial = initial});
  EXPECT_EQ(elements(row_of(with.outputs, 0, kTime)), elements(row_of(without.outputs, 0, kTime)));
}

TEST(Recurrent, AResetLetsNoGradientThrough) {
  const auto layer = recurrent<Gru>({.layers = 2});
  const Tensor reset = mask({kTime, kBatch}, {3 * kBatch + 1});
  const auto gradients =
      gradients_of(layer, input(), {.initial = starts(layer), .reset = reset}, [](const auto& r) {
        return std::vector<Upstream>{{r.outputs[kTime - 1], wave({kBatch, kHidden})}};
      });
  for (double g : elements(row_of(gradients[0], 1, 3))) EXPECT_EQ(g, 0);
  for (double g : elements(gradients[1][1])) EXPECT_EQ(g, 0);
  for (double g : elements(gradients[1][0])) EXPECT_NE(g, 0);
  EXPECT_TRUE(
      gradcheck([&](const Tensor& x) { return layer(x, {.reset = reset}).outputs; }, {input()}));
}

TEST(Recurrent, ResidualAddsTheInputFromTheSecondLayerOn) {
  for (bool both : {false, true}) {
    const auto plain = recurrent<Elman>({.layers = 2, .bidirectional = both});
    const auto residual = recurrent<Elman>({.layers = 2, .bidirectional = both, .residual = true});
    auto first = recurrent<Elman>({.bidirectional = both});
    const auto weights = nn::parameters(plain);
    std::size_t i = 0;
    nn::for_each_parameter(
        first, [&](const std::string&, Parameter& p) { p.value() = weights[i++].value(); });
    const Tensor expected = plain(input()).outputs + first(input()).outputs;
    const auto result = residual(input());
    EXPECT_LE(largest_difference(result.outputs, expected), 1e-14);
    EXPECT_EQ(elements(slice(result.last, 1, 0, kHidden)),
              elements(slice(result.outputs[kTime - 1], 1, 0, kHidden)));
  }
}

TEST(Recurrent, StepsAsItRuns) {
  const auto layer = recurrent<Lstm>({.layers = 3, .residual = true});
  const auto result = layer(input(), {.initial = starts(layer)});
  auto state = starts(layer);
  for (Index t = 0; t < kTime; t++) {
    auto next = layer.step(input()[t], state);
    EXPECT_LE(largest_difference(next.second, result.outputs[t]), 1e-14);
    state = std::move(next.first);
  }
  expect_close(tensors_of(state), tensors_of(result.final), 1e-14);
}

// A stack inside a cell that hears its own last output.
struct Decoder {
  using Stack = nn::Recurrent<nn::GRUCell>;
  struct State {
    Tensor heard;
    Stack::State stack;
  };
  Stack stack;

  explicit Decoder(Rng& rng)
      : stack({.input = kInput + kHidden, .hidden = kHidden, .layers = 2}, rng) {}
  State initial(Index batch) const {
    Stack::State state = stack.initial(batch);
    return {state[0], state};
  }
  State step(const Tensor& x, const State& s) const {
    auto [next, y] = stack.step(concat({x, s.heard}), s.stack);
    return {y, std::move(next)};
  }
  static void members(auto& self, auto&& visit) { visit("stack", self.stack); }
};

TEST(Recurrent, IsACellInsideAnother) {
  Rng rng(2);
  nn::Recurrent layer([&](Index) { return Decoder(rng); }, {.input = kInput, .hidden = kHidden});
  nn::to(layer, float64);
  EXPECT_EQ(nn::named_parameters(layer)[4].name, "stack.weight_ih_l1_l0");
  EXPECT_TRUE(gradcheck([&](const Tensor& x) { return layer(x).outputs; }, {input()}));
  const auto padded = layer(input(), {.lengths = kLengths});
  const auto alone = layer(row_of(input(), 0, 3));
  EXPECT_LE(largest_difference(slice(padded.last, 0, 0, 1), alone.last), 1e-14);
}

struct Conditioned {
  Tensor x, context;
};
struct ConditionedCell {
  using State = Tensor;
  nn::Linear from_x, from_h;
  ConditionedCell(Index in, Index hidden, Rng& rng)
      : from_x(in, hidden, rng), from_h(hidden, hidden, rng) {}
  State initial(Index batch) const { return nn::zero_state(batch, kHidden, from_h.weight); }
  State step(const Conditioned& in, const State& h) const {
    return tanh(from_x(in.x) + from_h(h) * in.context);
  }
  static void members(auto& self, auto&& visit) {
    visit("from_x", self.from_x);
    visit("from_h", self.from_h);
  }
};

TEST(Recurrent, FieldsOfTheInputAfterTheFirstGoToEveryLayer) {
  Rng rng(2);
  nn::Recurrent<ConditionedCell> layer({.input = kInput, .hidden = kHidden, .layers = 2}, rng);
  nn::to(layer, float64);
  const auto outputs = [&](const Tensor& x, const Tensor& context) {
    return layer(Conditioned{x, context}).outputs;
  };
  const Tensor context = wave({kTime, kBatch, kHidden}, 5);
  EXPECT_TRUE(gradcheck(outputs, {input(), context}));
  const auto state = layer.initial(kBatch);
  const auto [next, first] = layer.step(Conditioned{input()[0], context[0]}, state);
  EXPECT_EQ(elements(first), elements(outputs(input(), context)[0]));
}

TEST(Recurrent, ExplainsCellsOfOtherInputsByAnExample) {
  Rng rng(2);
  const nn::Recurrent<ConditionedCell> layer(
      {.input = kInput, .hidden = kHidden, .layers = 2, .bidirectional = true}, rng);
  const std::string text =
      layer.explain(Conditioned{zeros({kBatch, kInput}), zeros({kBatch, kHidden})});
  EXPECT_NE(text.find("  at every step    x0 [5, 3], x1 [5, 4]\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\n\nlayer 1, from the last step to the first\n"), std::string::npos) << text;
  EXPECT_NE(text.find("x0 [5, 8], x1 [5, 4]\n"), std::string::npos) << text;
  EXPECT_ERROR(layer.explain(Conditioned{zeros({kInput}), zeros({kBatch, kHidden})}), ShapeError,
               "recurrent: x of a step is [batch, 3], got float32 [3]");
}

// Counts its steps in an integer, and hands out two things beside its state.
struct CountingCell {
  struct State {
    Tensor h, steps;
  };
  struct Outputs {
    Tensor y, parity;
  };
  nn::Linear mix;
  CountingCell(Index in, Index hidden, Rng& rng) : mix(in + hidden, hidden, rng) {}
  State initial(Index batch) const {
    return {nn::zero_state(batch, kHidden, mix.weight), zeros({batch, 1}, int64)};
  }
  std::pair<State, Outputs> step(const Tensor& x, const State& s) const {
    const Tensor h = tanh(mix(concat({x, s.h})));
    return {{h, s.steps + 1}, {h * 2, to(remainder(s.steps, 2), float64)}};
  }
  static void members(auto& self, auto&& visit) { visit("mix", self.mix); }
};

TEST(Recurrent, TakesIntegerStatesAndOutputsOfTheirOwn) {
  Rng rng(2);
  nn::Recurrent<CountingCell> layer(
      {.input = kInput, .hidden = kHidden, .layers = 2, .bidirectional = true}, rng);
  nn::to(layer, float64);
  const auto result = layer(input(), {.lengths = kLengths});
  for (std::size_t row = 0; row < kLengths.size(); row++) {
    for (const auto& state : result.final) {
      EXPECT_EQ(elements(state.steps)[row], static_cast<double>(kLengths[row]));
    }
  }
  EXPECT_EQ(elements(result.outputs.parity[1][1]), (std::vector<double>{1, 0}));
  EXPECT_EQ(result.outputs.y.shape(), (Dims{kTime, kBatch, 2 * kHidden}));
  EXPECT_TRUE(gradcheck([&](const Tensor& x) { return layer(x).outputs.y; }, {input()}));
}

struct TellingCell : CountingCell {  // whose output is not its first field
  using CountingCell::CountingCell;
  State step(const Tensor& x, const State& s) const { return CountingCell::step(x, s).first; }
  static Tensor output(const State& s) { return s.h * 3; }
};

TEST(Recurrent, OutputIsWhatTheCellSaysOfAState) {
  Rng rng(2);
  nn::Recurrent<TellingCell> layer({.input = kInput, .hidden = kHidden}, rng);
  nn::to(layer, float64);
  const auto result = layer(input(), {.states = true});
  EXPECT_EQ(elements(result.outputs), elements(result.states[0].h * 3));
}

TEST(Recurrent, SaysWhatDoesNotFit) {
  const auto two = recurrent<Lstm>({.layers = 2, .bidirectional = true});
  const auto one = recurrent<Lstm>({});
  EXPECT_ERROR(two(input(), {.reverse = true}), ValueError,
               "recurrent: reverse is for one direction; this one runs both");
  EXPECT_ERROR(two(input(), {.initial = one.initial(kBatch)}), ShapeError,
               "recurrent: 1 initial states, 2 layers x 2 directions want 4");
  EXPECT_ERROR(two.step(input()[0], two.initial(kBatch)), ValueError,
               "recurrent: a step runs forward in time; this one runs both ways");
  EXPECT_ERROR(one.step(input()[0], two.initial(kBatch)), ShapeError,
               "recurrent: 4 states for 1 layers");
  EXPECT_ERROR(one(input(), {.lengths = {1, 2}}), ShapeError,
               "scan: 2 lengths for a batch of 5 rows");
  EXPECT_ERROR(one(input(), {.initial = one.initial(2)}), ShapeError,
               "recurrent: tensor 0 of the initial state is float64 [2, 4], of the state float64 "
               "[5, 4]; a state keeps its shape and dtype");
  EXPECT_ERROR(one(wave({kTime, 3})), ShapeError,
               "recurrent: x is [time, batch, 3], got float64 [6, 3]; a sequence of one row is "
               "[time, 1, 3]");
  EXPECT_ERROR(one(zeros({kTime}, int64)), ShapeError,
               "recurrent: x is [time, batch, 3], got int64 [6]; a sequence of one row is [time, "
               "1, 3]");
  EXPECT_ERROR(recurrent<Lstm>({.batch_first = true})(wave({kTime, 3})), ShapeError,
               "recurrent: x is [batch, time, 3], got float64 [6, 3]; a sequence of one row is "
               "[1, time, 3]");
  EXPECT_ERROR(one.step(wave({3}), one.initial(kBatch)), ShapeError,
               "recurrent: x of a step is [batch, 3], got float64 [3]");
  Rng rng(1);
  const nn::LSTMCell alone(3, 4, rng);
  EXPECT_ERROR(alone.step(ones({3}), alone.initial(kBatch)), ShapeError,
               "cell: the input of a step is [batch, 3], got [3]; a sequence of one row is [time, "
               "1, 3]");
  EXPECT_ERROR(one(Tensor()), ValueError,
               "recurrent: tensor 0 of the input holds no tensor (default-constructed or moved "
               "from)");
  EXPECT_ERROR(one(input(), {.reset = zeros({kBatch, kTime}, boolean)}), ShapeError,
               "scan: reset is bool [5, 6], not bool [time, batch] = [6, 5]");
  EXPECT_ERROR(one(wave({kTime, kBatch, 7})), ShapeError,
               "recurrent: x is [time, batch, 3], got float64 [6, 5, 7], of 7 features; .input "
               "says how many");
  EXPECT_ERROR(one(cast(input(), float32)), DtypeError,
               "recurrent: x is float32 [5, 3] at each step, and its states are float64; convert x "
               "with to(x, float64), or the model with nn::to");
  EXPECT_ERROR(
      two(cast(input(), float32)), DtypeError,
      "recurrent: x of layer 0 is float32 [5, 3] at each step, and its states are float64; "
      "convert x with to(x, float64), or the model with nn::to");
  EXPECT_ERROR(one.step(cast(input()[0], float32), one.initial(kBatch)), DtypeError,
               "recurrent: x is float32 [5, 3] at each step, and its states are float64; convert x "
               "with to(x, float64), or the model with nn::to");
  EXPECT_ERROR(recurrent<Elman>({.dropout = 1.5}), ValueError,
               "recurrent: dropout is a probability in [0, 1], got 1.5");
  EXPECT_ERROR(recurrent<Elman>({.layers = 0}), ValueError,
               "recurrent: .layers is 0; there are 1 or more");
  EXPECT_ERROR(nn::Recurrent<nn::LSTMCell>({.input = 3}, rng), ValueError,
               "recurrent: .hidden is 0; the number of features of an output, 1 or more, has to be "
               "given");
  EXPECT_ERROR(nn::Recurrent<nn::LSTMCell>({.hidden = 3}, rng), ValueError,
               "recurrent: .input is 0; the number of features of x, 1 or more, has to be given");
}

}  // namespace
}  // namespace rw::test
