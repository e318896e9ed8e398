// Tapes inside tapes, pauses and scopes that end in any order.
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "rewind/autograd/note.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/views.h"

namespace rw {
namespace {

Tensor number(double value) { return scalar(value, float64); }

TEST(Tape, ASecondTapeOfAThreadNeedsAPause) {
  Tape tape;
  EXPECT_THROW(const Tape second, GradientError);
  const Pause pause;
  Tape inner;
  const Tensor x = inner.watch(number(3));
  EXPECT_DOUBLE_EQ(inner.backward(x * x)[x].item(), 6);
}

TEST(Tape, RecordsAgainAfterAPause) {
  Tape tape;
  const Tensor x = tape.watch(number(3));
  Tensor constant;
  {
    const Pause pause;
    constant = x * x;
  }
  EXPECT_DOUBLE_EQ(tape.backward(x * constant)[x].item(), 9);
}

TEST(Pause, LastsUntilTheLastOneEndsWhateverTheOrder) {
  auto tape = std::make_unique<Tape>();
  auto first = std::make_unique<Pause>();
  auto second = std::make_unique<Pause>();
  first.reset();
  EXPECT_EQ(Tape::current(), nullptr);
  second.reset();
  EXPECT_EQ(Tape::current(), tape.get());
  first = std::make_unique<Pause>();
  tape.reset();
  const Tape next;
  first.reset();
  EXPECT_EQ(Tape::current(), &next);
}

TEST(Tape, AnOuterOneMayEndBeforeAnInner) {
  auto outer = std::make_unique<Tape>();
  const Pause pause;
  Tape inner;
  const Tensor x = inner.watch(number(3));
  outer.reset();
  EXPECT_EQ(Tape::current(), &inner);
  EXPECT_DOUBLE_EQ(inner.backward(x * x)[x].item(), 6);
}

TEST(Tape, StaysPausedWhileAnotherStandsOnIt) {
  Tape outer;
  const Tensor x = outer.watch(number(3));
  auto pause = std::make_unique<Pause>();
  auto inner = std::make_unique<Tape>();
  pause.reset();
  EXPECT_EQ(Tape::current(), inner.get());
  EXPECT_THROW(const Tape third, GradientError);
  const Tensor constant = x * 2;
  inner.reset();
  EXPECT_EQ(Tape::current(), &outer);
  EXPECT_DOUBLE_EQ(outer.backward(x * constant)[x].item(), 6);
}

TEST(Tape, AMiddleOneThatEndsLeavesTheOuterPaused) {
  Tape outer;
  const Pause first;
  auto middle = std::make_unique<Tape>();
  const Pause second;
  auto inner = std::make_unique<Tape>();
  middle.reset();
  EXPECT_EQ(Tape::current(), inner.get());
  inner.reset();
  EXPECT_EQ(Tape::current(), nullptr);  // the first pause lasts
}

TEST(Tape, AnInnerOneDoesNotTakeAValueFromTheOuter) {
  Tape outer;
  const Tensor x = outer.watch(number(3));
  Tensor y = x * 2;
  {
    const Pause pause;
    Tape inner;
    EXPECT_THROW(inner.watch(y), GradientError);
    const Tensor copy = inner.watch(std::as_const(y));
    EXPECT_DOUBLE_EQ(inner.backward(copy * copy)[copy].item(), 12);
  }
  EXPECT_DOUBLE_EQ(outer.backward(y + x * 5)[x].item(), 7);
}

TEST(Tape, ARewindInsideAPauseLeavesItPaused) {
  Tape tape;
  const Tensor x = tape.watch(number(3));
  const Tensor y = x * x;
  const Pause pause;
  EXPECT_DOUBLE_EQ(tape.backward(y)[x].item(), 6);
  EXPECT_EQ(Tape::current(), nullptr);
}

TEST(Tape, SeesNoWorkOfARangeOnAnyThread) {
  for (const int threads : {1, 2}) {
    const Threads limit(threads);
    Tape tape;
    const Tensor x = tape.watch(ones({4}));
    std::vector<Tensor> parts(4);
    parallel_for(
        4, 1, [&](Index begin, Index) { parts[static_cast<std::size_t>(begin)] = x[begin] * 2; });
    EXPECT_THROW(tape.backward(sum(stack(parts))), GradientError);
  }
}

TEST(Training, ScopesEndInAnyOrder) {
  auto outer = std::make_unique<Training>(true);
  auto inner = std::make_unique<Training>(false);
  outer.reset();
  EXPECT_FALSE(training());
  inner.reset();
  EXPECT_FALSE(training());
  const Tape tape;
  EXPECT_TRUE(training());
}

TEST(Notes, EndInAnyOrder) {
  auto outer = std::make_unique<Notes>();
  auto inner = std::make_unique<Notes>();
  auto suffix = std::make_unique<NoteSuffix>("_a");
  auto second = std::make_unique<NoteSuffix>("_b");
  outer.reset();
  suffix.reset();
  note("x", number(1));
  EXPECT_EQ(inner->all().begin()->first, "x_b_a");
  inner.reset();
  second.reset();
  Notes last;
  note("x", number(1));
  EXPECT_EQ(last["x"].size(), 1u);
}

}  // namespace
}  // namespace rw
