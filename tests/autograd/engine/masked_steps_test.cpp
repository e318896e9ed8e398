// Masks in a step, as zoneout and dropout want them: one for all steps, drawn before the scan and
// captured, or one for each step, drawn inside. What the rewind needs of them is what was drawn.
#include <gtest/gtest.h>

#include "autograd/engine/cell_cases.h"
#include "rewind/nn/dropout.h"
#include "support/elements.h"

namespace rw::test {
namespace {

using Const = const Tensors&;
using CellStep = decltype(ScanCase::step);

Tensor next_of(Const x, const Tensor& h, Const w) {
  return tanh(matmul(x[0], w[0]) + matmul(h, w[1]) + w[2]);
}

Tensor kept(const Dims& shape) { return bernoulli(shape, {.p = 0.4, .dtype = boolean}); }

// Units that keep their state for a step: Krueger et al., "Zoneout" (2017).
CellStep zoneout_by_one_mask(const Dims& shape) {
  const Random scope(11);
  const Tensor mask = kept(shape);
  return [mask](Const x, Const s, Const w) -> Results {
    const Tensor h = where(mask, s[0], next_of(x, s[0], w));
    return {one(h), one(h)};
  };
}
CellStep zoneout_by_a_mask_each_step() {
  return [](Const x, Const s, Const w) -> Results {
    const Tensor h = where(kept(s[0].shape()), s[0], next_of(x, s[0], w));
    return {one(h), one(h)};
  };
}

// Of the state on its way into the product: Gal and Ghahramani (2016), and as it is commonly done.
CellStep dropout_by_one_mask(const Dims& shape) {
  const Random scope(12);
  const Training on(true);
  const Tensor mask = nn::dropout(ones(shape, float64), 0.4);
  return [mask](Const x, Const s, Const w) -> Results {
    const Tensor h = next_of(x, s[0] * mask, w);
    return {one(h), one(h)};
  };
}
CellStep dropout_by_a_mask_each_step() {
  return [](Const x, Const s, Const w) -> Results {
    const Tensor h = next_of(x, nn::dropout(s[0], 0.4), w);
    return {one(h), one(nn::dropout(h, 0.2))};
  };
}

struct Masked {
  const char* name;
  CellStep step;
};
std::vector<Masked> masked(const Dims& state) {
  return {{"zoneout, one mask", zoneout_by_one_mask(state)},
          {"zoneout, a mask each step", zoneout_by_a_mask_each_step()},
          {"dropout, one mask", dropout_by_one_mask(state)},
          {"dropout, a mask each step", dropout_by_a_mask_each_step()}};
}

TEST(MaskedSteps, AreTheirPlainLoops) {
  for (const auto& [name, step] : masked({B, H})) {
    for (ScanCase c : every_way({name, {inputs(), states({H}), kSimple, step}})) {
      for (const Index segments : {0, 2, 4}) {
        c.segments = segments;
        expect_the_plain_loop(c, name);
      }
    }
  }
}

// Rows enough that workers would share them, and masks of as many numbers.
ScanCase wide(const CellStep& step, Index rows, Index units) {
  return {{numbers({12, rows, 3}, 1)},
          {numbers({rows, units}, 2)},
          {numbers({3, units}, 3), numbers({units, units}, 4) * 0.2, numbers({units}, 5)},
          step};
}

TEST(MaskedSteps, HaveTheSameBitsForAnyNumberOfThreads) {
  constexpr Index kRows = 90, kUnits = 64;
  for (const auto& [name, step] : masked({kRows, kUnits})) {
    ScanCase c = wide(step, kRows, kUnits);
    for (const bool lengths : {false, true}) {
      SCOPED_TRACE(fmt::format("{}{}", name, lengths ? " with lengths" : ""));
      for (Index row = 0; lengths && row < kRows; row++) c.lengths.push_back(7 * row % 13);
      const auto with = [&](int threads) {
        const Threads scope(threads);
        std::vector<std::vector<double>> all;
        for (const Tensor& x : all_of(c)) all.push_back(elements(x));
        return all;
      };
      const auto expected = with(1);
      for (const int threads : {2, 3, 5, 8}) EXPECT_EQ(with(threads), expected) << threads;
    }
  }
}

// What was dropped has no gradient, and what stayed is scaled by as much on the way back.
TEST(MaskedSteps, TheRewindGoesThroughTheMasksThatWereDrawn) {
  const Tensor xs = numbers({T, B, H}, 1) + 2.0;
  const auto step = [](const Tensor& x, const Tensor& h) {
    const Tensor y = nn::dropout(x, 0.5);
    return std::pair(h + y, y);
  };
  for (const bool reverse : {false, true}) {
    for (const Index segments : {0, 2}) {
      for (const Lengths& lengths : {Lengths{}, Lengths{1, 4, 0}}) {
        const Random scope(3);
        Tape tape;
        const Tensor watched = tape.watch(xs);
        const auto result = scan(step, watched, zeros({B, H}, float64),
                                 {.lengths = lengths, .reverse = reverse, .segments = segments});
        const Tensor dx = tape.backward(sum(result.final))[watched];
        EXPECT_LE(largest_difference(dx * xs, result.outputs), 1e-14);
        EXPECT_GT(largest_difference(result.outputs, zeros({T, B, H}, float64)), 1);
      }
    }
  }
}

std::vector<double> drawn_at(const Tensor& outputs, Index t) { return elements(outputs[t]); }

TEST(MaskedSteps, AMaskDrawnInsideIsAnotherOneAtEveryStep) {
  const Training on(true);
  const Random scope(4);
  const Tensor ys =
      scan([](const Tensor& h) { return std::pair(h, nn::dropout(h, 0.5)); }, T, ones({B, 20}))
          .outputs;
  for (Index t = 1; t < T; t++) EXPECT_NE(drawn_at(ys, t), drawn_at(ys, t - 1)) << t;
}

TEST(MaskedSteps, AMaskDrawnBeforeIsTheSameAtEveryStep) {
  const Training on(true);
  const Random scope(4);
  const Tensor mask = nn::dropout(ones({B, 20}), 0.5);
  const Tensor ys =
      scan([&](const Tensor& h) { return std::pair(h, h * mask); }, T, ones({B, 20})).outputs;
  for (Index t = 0; t < T; t++) EXPECT_EQ(drawn_at(ys, t), elements(mask)) << t;
}

// A layer that is used goes through its units as they are.
TEST(MaskedSteps, DropNothingWhereNobodyTrains) {
  const auto step = [](const Tensor& x, const Tensor& h) { return h + nn::dropout(x, 0.5); };
  const Tensor xs = numbers({T, B, H}, 1);
  const Tensor all = scan(step, xs, zeros({B, H}, float64)).final;
  EXPECT_LE(largest_difference(all, sum(xs, 0)), 1e-14);
  const Random scope(3);
  const Training on(true);
  const Tensor some = scan(step, xs, zeros({B, H}, float64)).final;
  EXPECT_GT(largest_difference(some, all), 0.1);
  const Training off(false);
  EXPECT_EQ(elements(scan(step, xs, zeros({B, H}, float64)).final), elements(all));
}

}  // namespace
}  // namespace rw::test
