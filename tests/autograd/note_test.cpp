// Names for inner values, and who hears them.
#include "rewind/autograd/note.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "rewind/autograd/tape.h"
#include "rewind/nn/lstm.h"
#include "rewind/nn/recurrent.h"
#include "rewind/tensor/reduction.h"
#include "support/elements.h"

namespace rw {
namespace {

Tensor number(double value) { return scalar(value, float64); }

TEST(Note, ReturnsTheValueItIsGiven) {
  const Tensor x = number(3);
  EXPECT_TRUE(note("x", x).shares_storage_with(x));
  const Notes notes;
  EXPECT_TRUE(note("x", x).shares_storage_with(x));
}

TEST(Note, CostsNothingWhileNobodyListens) {
  Tape tape;
  Tensor x = tape.watch(number(3));
  const std::size_t blocks = memory::blocks_in_use();
  for (int i = 0; i < 1000; i++) x = note("x", x);
  EXPECT_EQ(memory::blocks_in_use(), blocks);
  EXPECT_EQ(tape.size(), 0u);
}

TEST(Notes, HoldOneValuePerStepInOrder) {
  const Notes notes;
  for (double v : {1, 2, 3}) note("v", number(v));
  ASSERT_EQ(notes["v"].size(), 3u);
  EXPECT_EQ(notes["v"][2].item(), 3);
}

TEST(Notes, CarryTheSuffixOfLayerAndDirection) {
  Rng rng(1);
  const nn::Recurrent<nn::LSTMCell> layer(
      {.input = 2, .hidden = 3, .layers = 2, .bidirectional = true}, rng);
  const Notes notes;
  layer(ones({4, 2, 2}));
  std::vector<std::string> names;
  for (const auto& [name, values] : notes.all()) {
    names.push_back(name);
    EXPECT_EQ(values.size(), 4u);
    EXPECT_EQ(values[0].shape(), (Dims{2, 3}));
  }
  std::vector<std::string> expected;
  for (const char* gate : {"candidate", "forget", "input", "output"}) {
    for (const char* suffix : {"_l0", "_l0_reverse", "_l1", "_l1_reverse"}) {
      expected.push_back(gate + std::string(suffix));
    }
  }
  EXPECT_EQ(names, expected);
}

TEST(Notes, SuffixesNestFromTheInsideOut) {
  const Notes notes;
  const NoteSuffix outer("_outer");
  {
    const NoteSuffix inner("_inner");
    note("v", number(1));
  }
  note("v", number(2));
  EXPECT_EQ(notes["v_inner_outer"][0].item(), 1);
  EXPECT_EQ(notes["v_outer"][0].item(), 2);
}

// s_t = s_{t-1} / 2 + x_t: the last one changes by 2^-k with the one k steps before it.
TEST(Notes, KnowTheGradientOfEveryStepWhenTheyWatch) {
  Tape tape;
  const Notes notes({.watch = true});
  const auto step = [](const Tensor& x, const Tensor& s) { return note("s", s * 0.5 + x); };
  const auto result = scan(step, ones({4, 1}, float64), tape.watch(zeros({1}, float64)));
  const Gradients gradients = tape.backward(sum(result.final));
  for (std::size_t t = 0; t < 4; t++) {
    EXPECT_EQ(gradients[notes["s"][t]].item(), std::pow(0.5, 3 - t)) << t;
  }
}

TEST(Notes, WatchWhatCanHaveAGradient) {
  Tape tape;
  Notes notes({.watch = true});
  note("choice", zeros({2}, boolean));
  EXPECT_EQ(notes["choice"].size(), 1u);
}

TEST(Notes, DoNotWatchUnlessAsked) {
  Tape tape;
  const Notes notes;
  const Tensor x = note("x", number(2));
  EXPECT_EQ(x.mark(), 0u);
}

TEST(Notes, OfTheInnermostListenerAreItsOwn) {
  const Notes outer;
  {
    const Notes inner;
    note("v", number(1));
    EXPECT_EQ(inner["v"].size(), 1u);
  }
  note("w", number(2));
  EXPECT_EQ(outer.all().size(), 1u);
}

TEST(Notes, HearTheirOwnThreadOnly) {
  const Notes notes;
  std::thread([] { note("v", number(1)); }).join();
  EXPECT_TRUE(notes.all().empty());
}

TEST(Notes, SayWhatWasNotedWhenANameIsNotAmongIt) {
  const Notes notes;
  EXPECT_ERROR(notes["forget"], ValueError,
               "notes: nothing was noted as 'forget'; noted were: none");
  note("gate", number(1));
  note("forget_l0", number(1));
  EXPECT_ERROR(notes["forget"], ValueError,
               "notes: nothing was noted as 'forget'; noted were: forget_l0, gate");
}

}  // namespace
}  // namespace rw
