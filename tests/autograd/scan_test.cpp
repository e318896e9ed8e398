// The recurrence over time: against a loop written by hand, with lengths, resets and both
// directions.
#include "rewind/autograd/scan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "rewind/autograd/note.h"
#include "rewind/autograd/stream.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/unary.h"
#include "support/compare.h"
#include "support/elements.h"

namespace rw {
namespace {

// Numbers in (-1, 1) that differ from each other.
Tensor numbers(const Dims& shape, double seed) {
  Tensor x = zeros(shape, float64);
  double k = seed;
  for (double& v : x.mutable_span<double>()) v = std::sin(k += 1.7);
  return x;
}

struct Pair {
  Tensor h, c;
};

struct Model {
  Tensor w = numbers({2, 2}, 3);
  Tensor operator()(const Tensor& x, const Tensor& h) const {
    return tanh(x + h * 0.5 + h * h * x);
  }
  Pair operator()(const Tensor& x, const Pair& s) const {
    const Tensor c = sigmoid(x) * s.c + s.h;
    return {tanh(c), c};
  }
};

constexpr Index kTime = 5, kBatch = 3;
const Lengths kLengths = {3, 5, 0};

Tensor xs() { return numbers({kTime, kBatch, 2}, 1); }
Tensor h0() { return numbers({kBatch, 2}, 2); }

// One row alone, as long as it is.
Tensor row_of(const Tensor& x, Index row, Index length) {
  return slice(slice(x, 1, row, row + 1), 0, 0, length);
}

TEST(Scan, EqualsTheLoopWrittenByHand) {
  const Model model;
  Tensor h = h0();
  std::vector<Tensor> ys;
  for (Index t = 0; t < kTime; t++) ys.push_back(h = model(xs()[t], h));
  const auto result = scan(model, xs(), h0());
  EXPECT_LE(largest_difference(result.outputs, stack(ys)), 1e-15);
  EXPECT_LE(largest_difference(result.final, h), 1e-15);
  const auto plain = loop(model, xs(), h0());
  EXPECT_EQ(elements(plain.outputs), elements(stack(ys)));
  EXPECT_EQ(elements(plain.final), elements(h));
}

TEST(Scan, CollectsEveryStateOnRequest) {
  const auto result = scan(Model(), xs(), Pair{h0(), h0()}, {.states = true});
  EXPECT_EQ(result.states.c.shape(), (Dims{kTime, kBatch, 2}));
  EXPECT_EQ(elements(result.states.h), elements(result.outputs));
  EXPECT_EQ(elements(result.states.c[kTime - 1]), elements(result.final.c));
}

TEST(Scan, ReversedIsTheMirror) {
  const auto mirrored = scan(Model(), flip(xs(), {0}), h0());
  const auto reversed = scan(Model(), xs(), h0(), {.reverse = true});
  EXPECT_EQ(elements(reversed.outputs), elements(flip(mirrored.outputs, {0})));
  EXPECT_EQ(elements(reversed.final), elements(mirrored.final));
}

TEST(Scan, ReturnsOutputsOfItsOwnBesideTheState) {
  auto step = [](const Tensor& x, const Tensor& h) {
    const Tensor next = tanh(x + h);
    return std::pair(next, Pair{next * 2, x});
  };
  const auto result = scan(step, xs(), h0());
  EXPECT_EQ(elements(result.outputs.c), elements(xs()));
  EXPECT_EQ(elements(result.outputs.h[kTime - 1]), elements(result.final * 2));
}

TEST(Scan, RunsWithoutInputs) {
  const auto result = scan([](const Tensor& h) { return h * 2; }, 3, h0());
  EXPECT_EQ(elements(result.final), elements(h0() * 8));
  EXPECT_EQ(result.outputs.dim(0), 3);
}

TEST(Scan, ResetsARowToFreshBeforeTheStep) {
  Tensor reset = zeros({kTime, kBatch}, boolean);
  reset.mutable_span<bool>()[2 * kBatch + 1] = true;  // row 1 starts anew at step 2
  const Tensor fresh = zeros({kBatch, 2}, float64);
  const auto result = scan(Model(), xs(), h0(), {.reset = reset, .fresh = fresh});
  const Tensor tail = slice(row_of(xs(), 1, kTime), 0, 2, kTime);
  const auto alone = scan(Model(), tail, zeros({1, 2}, float64));
  EXPECT_EQ(elements(slice(row_of(result.outputs, 1, kTime), 0, 2, kTime)),
            elements(alone.outputs));
  const auto untouched = scan(Model(), xs(), h0());
  EXPECT_EQ(elements(row_of(result.outputs, 0, kTime)),
            elements(row_of(untouched.outputs, 0, kTime)));
}

TEST(Scan, ResetsBackwardsBeforeTheStepThatPrecedesAStart) {
  Tensor reset = zeros({kTime, kBatch}, boolean);
  reset.mutable_span<bool>()[2 * kBatch + 1] = true;
  const Tensor fresh = zeros({kBatch, 2}, float64);
  const auto result = scan(Model(), xs(), h0(), {.reset = reset, .fresh = fresh, .reverse = true});
  const auto head = scan(Model(), row_of(xs(), 1, 2), zeros({1, 2}, float64), {.reverse = true});
  EXPECT_EQ(elements(row_of(result.outputs, 1, 2)), elements(head.outputs));
}

TEST(Scan, BadArgumentsAreNamed) {
  const Model model;
  EXPECT_ERROR(scan(model, xs(), h0(), {.lengths = {1, 2}}), ShapeError,
               "scan: 2 lengths for a batch of 3 rows");
  EXPECT_ERROR(scan(model, xs(), h0(), {.lengths = {1, 2, 6}}), IndexError,
               "scan: length 6 of row 2 is outside [0, 5], the steps there are");
  EXPECT_ERROR(
      scan(model, xs(), numbers({2, 2}, 1)), ShapeError,
      "scan: a tensor of the initial state is float64 [2, 2], not [batch, ...] with batch 3");
  EXPECT_ERROR(scan(model, xs(), h0(), {.reset = zeros({kTime, kBatch}, boolean)}), ValueError,
               "scan: reset is given without fresh, the state that a row starts anew with");
  auto grow = [](const Tensor&, const Tensor& h) { return concat({h, h}); };
  EXPECT_ERROR(
      scan(grow, xs(), h0()), ShapeError,
      "scan: tensor 0 of the state that the step returns is float64 [3, 4], of the state float64 "
      "[3, 2]; a state keeps its shape and dtype");
  const Tensor fresh = zeros({1, 2}, float64);
  EXPECT_ERROR(scan(model, xs(), h0(), {.fresh = fresh}), ShapeError,
               "scan: tensor 0 of fresh is float64 [1, 2], of the state float64 [3, 2]; a state "
               "keeps its shape and dtype");
  const auto last = [](const Tensor&, const std::vector<Tensor>& s) {
    return std::vector<Tensor>(s.begin(), s.end() - 1);
  };
  EXPECT_ERROR(
      scan(last, xs(), std::vector<Tensor>{h0(), h0()}), ShapeError,
      "scan: the state that the step returns has 1 tensors, the state has 2; a state keeps its "
      "tensors, and a vector in it its length");
}

TEST(Scan, NamesTheTensorThatIsMissing) {
  const auto text = [](const char* what) {
    return std::string(what) + " holds no tensor (default-constructed or moved from)";
  };
  const Model model;
  const Pair whole{h0(), h0()}, part{h0(), Tensor()};
  const auto forgets = [](const auto& x, const Pair& s) { return Pair{s.h + first_tensor(x), {}}; };
  const auto silent = [](const Tensor&, const Pair& s) { return std::pair(s, Tensor()); };
  const auto refuses = [&] {
    EXPECT_ERROR(scan(forgets, Pair{xs(), {}}, whole), ValueError,
                 text("scan: tensor 1 of the inputs").c_str());
    EXPECT_ERROR(scan(model, xs(), part), ValueError,
                 text("scan: tensor 1 of the initial state").c_str());
    EXPECT_ERROR(scan([](const Pair& s) { return s; }, 2, part), ValueError,
                 text("scan: tensor 1 of the initial state").c_str());
    EXPECT_ERROR(scan(forgets, xs(), whole), ValueError,
                 text("scan: tensor 1 of the state that the step returns").c_str());
    EXPECT_ERROR(scan(silent, xs(), whole), ValueError,
                 text("scan: tensor 0 of the outputs that the step returns").c_str());
    EXPECT_ERROR(
        scan([](const std::vector<Tensor>& s) { return s; }, 2, std::vector<Tensor>{}), ShapeError,
        "scan: the initial state holds no tensor; a state is made of tensors [batch, ...]");
  };
  refuses();
  EXPECT_ERROR(stream(forgets, xs()[0], whole), ValueError,
               text("stream: tensor 1 of the state that the step returns").c_str());
  EXPECT_ERROR(stream(silent, xs()[0], whole), ValueError,
               text("stream: tensor 0 of the output that the step returns").c_str());
  EXPECT_ERROR(stream(silent, Tensor(), whole), ValueError,
               text("stream: tensor 0 of the example").c_str());
  const PlainLoops plainly;
  refuses();
}

// Values and gradients of each row of a padded batch are those of the row alone, in both
// directions.
template <class Cell>  // cell(x, h, w)
void expect_rows_as_alone(const Cell& cell, bool reverse) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Tensor padded = xs();
  for (Index row = 0; row < kBatch; row++) {
    for (Index t = kLengths[static_cast<std::size_t>(row)]; t < kTime; t++) {
      for (Index i = 0; i < 2; i++) {
        padded.mutable_span<double>()[static_cast<std::size_t>((t * kBatch + row) * 2 + i)] = nan;
      }
    }
  }
  Tape tape;
  const Tensor x = tape.watch(padded);
  const Tensor h = tape.watch(h0());
  const Tensor w = tape.watch(numbers({2}, 4));
  auto step = [&](const Tensor& in, const Tensor& state) { return cell(in, state, w); };
  const auto result = scan(step, x, h, {.lengths = kLengths, .reverse = reverse});
  const Gradients together = tape.backward({{result.outputs, ones({kTime, kBatch, 2}, float64)},
                                            {result.final, ones({kBatch, 2}, float64)}});
  Tensor dw = zeros({2}, float64);
  const Pause pause;
  for (Index row = 0; row < kBatch; row++) {
    const Index length = kLengths[static_cast<std::size_t>(row)];
    Tape alone;
    const Tensor xa = alone.watch(row_of(xs(), row, length));
    const Tensor ha = alone.watch(slice(h0(), 0, row, row + 1));
    const Tensor wa = alone.watch(numbers({2}, 4));
    auto same = [&](const Tensor& in, const Tensor& state) { return cell(in, state, wa); };
    const auto one = scan(same, xa, ha, {.reverse = reverse});
    EXPECT_EQ(elements(row_of(result.outputs, row, length)), elements(one.outputs));
    EXPECT_EQ(elements(slice(result.final, 0, row, row + 1)), elements(one.final));
    std::vector<Upstream> from = {{one.final, ones({1, 2}, float64)}};
    if (length > 0) from.push_back({one.outputs, ones({length, 1, 2}, float64)});
    const Gradients g = alone.backward(from);
    EXPECT_EQ(elements(row_of(together[x], row, length)), elements(g[xa]));
    EXPECT_EQ(elements(slice(together[h], 0, row, row + 1)), elements(g[ha]));
    const Pause inner;
    dw = dw + g[wa];
  }
  for (std::size_t i = 0; i < 2; i++) {
    EXPECT_NEAR(elements(together[w])[i], elements(dw)[i], 1e-12);
  }
  for (double v : elements(together[x])) EXPECT_TRUE(std::isfinite(v));
}

Tensor smooth(const Tensor& x, const Tensor& h, const Tensor& w) { return tanh(x * w + h); }

// Unlike at any input that counts, the derivative at 0 is infinite.
Tensor normalizing(const Tensor& x, const Tensor& h, const Tensor& w) {
  const Tensor z = x * w;
  return z * rsqrt(sum(square(z), -1, true)) + 0.5 * h;
}

TEST(Bug19, RowsOfAPaddedBatchAreAsTheyAreAlone) { expect_rows_as_alone(smooth, false); }
TEST(Bug19, RowsReadFromTheirEndsAreAsTheyAreAlone) { expect_rows_as_alone(smooth, true); }
TEST(Bug19, PaddingMeetsNoInfiniteDerivative) {
  expect_rows_as_alone(normalizing, false);
  expect_rows_as_alone(normalizing, true);
}

TEST(Scan, StepsThatCountForNoRowAreNotRun) {
  for (bool reverse : {false, true}) {
    int calls = 0;
    auto step = [&](const Tensor& x, const Tensor& h) {
      calls++;
      return x + h;
    };
    const auto result =
        loop(step, xs(), h0(), {.lengths = {1, 3, 0}, .reverse = reverse, .states = true});
    EXPECT_EQ(calls, 3);
    EXPECT_EQ(elements(result.outputs[4]), std::vector<double>(6, 0));
    EXPECT_EQ(elements(result.states[4]), elements(reverse ? h0() : result.final));
  }
}

TEST(Bug20, OutputsBeyondALengthAreZero) {
  const auto result = scan(Model(), xs(), h0(), {.lengths = kLengths});
  EXPECT_EQ(elements(slice(result.outputs[3], 0, 0, 1)), (std::vector<double>{0, 0}));
  EXPECT_EQ(elements(slice(result.outputs[0], 0, 2, 3)), (std::vector<double>{0, 0}));
}

TEST(Bug21, NoStepsNoRowsAndLengthZeroAreDefined) {
  Tape tape;
  const Tensor h = tape.watch(h0());
  const auto none = scan(Model(), zeros({0, kBatch, 2}, float64), h);
  EXPECT_EQ(none.outputs.shape(), (Dims{0, kBatch, 2}));
  const Gradients g = tape.backward({{none.final, numbers({kBatch, 2}, 9)}});
  EXPECT_EQ(elements(g[h]), elements(numbers({kBatch, 2}, 9)));
  const Pause pause;
  const auto no_rows = scan(Model(), zeros({kTime, 0, 2}, float64), zeros({0, 2}, float64));
  EXPECT_EQ(no_rows.outputs.shape(), (Dims{kTime, 0, 2}));
  const auto ended = scan(Model(), xs(), h0(), {.lengths = {0, 0, 0}});
  EXPECT_EQ(elements(ended.final), elements(h0()));
  EXPECT_EQ(elements(ended.outputs), std::vector<double>(kTime * kBatch * 2, 0));
}

TEST(Stream, GivesTheBitsOfAScanInStepsAndInBlocks) {
  const auto whole = scan(Model(), xs(), h0());
  auto steps = stream(Model(), xs()[0], h0());
  std::vector<double> out(6);
  for (Index t = 0; t < kTime; t++) {
    const Tensor x = contiguous(xs()[t]);
    steps.step(x.span<double>(), out);
    EXPECT_EQ(out, elements(whole.outputs[t]));
  }
  auto blocks = stream(Model(), xs()[0], h0());
  const Tensor first = blocks.run(slice(xs(), 0, 0, 2));
  const Tensor second = blocks.run(slice(xs(), 0, 2, kTime));
  EXPECT_EQ(elements(concat({first, second}, 0)), elements(whole.outputs));
  EXPECT_EQ(elements(blocks.state()), elements(whole.final));
}

TEST(Stream, FindsItsShapesWithoutATrace) {
  const Random scope(7);
  const Rng before = Random::state();
  const Notes notes;
  const auto step = [](const Tensor& x, const Tensor& h) {
    return note("h", h + x * uniform({2, 3}, {.dtype = float64}));
  };
  const Tensor h = zeros({2, 3}, float64);
  (void)stream(step, h, h);
  (void)scan(step, zeros({0, 2, 3}, float64), h);
  EXPECT_EQ(Random::state(), before);
  EXPECT_TRUE(notes.all().empty());
}

TEST(Stream, ResetsAndSelectsRows) {
  auto player = stream(Model(), xs()[0], h0());
  Tensor mask = zeros({kBatch}, boolean);
  mask.mutable_span<bool>()[1] = true;
  player.reset(mask, zeros({kBatch, 2}, float64));
  EXPECT_EQ(elements(player.state()[1]), (std::vector<double>{0, 0}));
  EXPECT_EQ(elements(player.state()[0]), elements(h0()[0]));
  Tensor rows = zeros({2}, int64);
  rows.mutable_span<Index>()[0] = 2;
  player.select(rows);
  EXPECT_EQ(elements(player.state()[0]), elements(h0()[2]));
  EXPECT_EQ(player.run(numbers({1, 2, 2}, 1)).shape(), (Dims{1, 2, 2}));
}

TEST(Scan, RefusesAStateOfNoTensors) {
  const auto nothing = [](const std::vector<Tensor>& state) { return state; };
  EXPECT_THROW((void)loop(nothing, 3, std::vector<Tensor>{}), ShapeError);
}

TEST(Stream, RefusesWhatDoesNotFit) {
  auto player = stream(Model(), xs()[0], h0());
  const Tensor mask = zeros({kBatch}, boolean);
  EXPECT_ERROR(player.reset(mask, zeros({1, 2}, float64)), ShapeError,
               "stream: tensor 0 of the state to reset to is float64 [1, 2], of the state float64 "
               "[3, 2]; a state keeps its shape and dtype");
  EXPECT_ERROR(player.reset(zeros({2}, boolean), h0()), ShapeError,
               "stream: a mask of rows is bool [3], got bool [2]");
  EXPECT_ERROR(player.reset(zeros({kBatch}), h0()), DtypeError,
               "stream: a mask of rows is bool [batch], got float32 [3]");
  EXPECT_ERROR(player.select(zeros({1, 1}, int64)), ShapeError,
               "stream: rows to select are int64 [rows], got int64 [1, 1]");
  EXPECT_EQ(elements(player.state()), elements(h0()));
}

TEST(StreamDeathTest, SpansOfTheWrongSizeOrTypeEndTheProgram) {
  auto player = stream(Model(), xs()[0], h0());
  std::vector<double> in(6), out(6), few(5);
  std::vector<float> narrow(6);
  using Span = std::span<const double>;
  static_assert(noexcept(player.step(Span(in), out)));
  EXPECT_DEATH(player.step(Span(few), out), "stream: in holds 5 numbers, a step of .* has 6");
  EXPECT_DEATH(player.step(Span(in), few), "stream: out holds 5 numbers, a step of .* has 6");
  EXPECT_DEATH(player.step(std::span<const float>(narrow), narrow),
               "stream: in holds float32, a step's is float64");
}

TEST(Stream, ChecksArraysAsStepsTakeThem) {
  const auto player = stream(Model(), xs()[0], h0());
  std::vector<double> in(6), out(6), few(5);
  player.check(in, out);
  EXPECT_ERROR(player.check(few, out), ShapeError,
               "stream: in holds 5 numbers, a step of float64 [3, 2] has 6");
}

TEST(Stream, TellsHowManyRowsGoThroughIt) {
  const auto step = [](const Tensor& x, const Tensor& h) { return tanh(x + h); };
  auto player = stream(step, xs()[0], h0());
  EXPECT_EQ(player.batch(), kBatch);
  player.select(zeros({1}, int64));
  EXPECT_EQ(player.batch(), 1);
}

TEST(Stream, IsRecordedByNoTape) {
  Tape tape;
  const Tensor w = tape.watch(numbers({2}, 4));
  auto player =
      stream([w](const Tensor& x, const Tensor& h) { return tanh(x * w + h); }, xs()[0], h0());
  player.step(xs()[0]);
  player.reset(ones({kBatch}, boolean), tape.watch(h0()));
  player.select(zeros({1}, int64));
  EXPECT_EQ(tape.size(), 0u);
}

}  // namespace
}  // namespace rw
