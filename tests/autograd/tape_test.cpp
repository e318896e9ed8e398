// What is recorded, what is kept, and what the rewind gives.
#include "rewind/autograd/tape.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/map.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/views.h"
#include "support/elements.h"
#include "support/message_of.h"

namespace rw {
namespace {

Tensor number(double value) { return scalar(value, float64); }
Tensor row(Index size) { return ones({size}, float64); }

struct Unruly {  // an operation without a derivative
  static constexpr std::string_view name = "unruly";
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    map(x, y, [](auto v) { return v; });
  }
};

struct Wrong {  // an operation whose rule gives a gradient of another shape
  static constexpr std::string_view name = "wrong";
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    map(x, y, [](auto v) { return v; });
  }
  static void derivative(Rules<Wrong> d) {
    d([](const Tensor&) { return ones({7}, float64); });
  }
};

TEST(Tape, RecordsNothingWithoutAVariable) {
  const Tensor x = number(2);
  Tape tape;
  const Tensor y = x * x;
  EXPECT_EQ(tape.size(), 0u);
  EXPECT_EQ(y.mark(), 0u);
}

TEST(Tape, RewindsAProductAndASum) {
  Tape tape;
  const Tensor x = tape.watch(number(3));
  const Gradients gradients = tape.backward(x * x + 2 * x);
  EXPECT_DOUBLE_EQ(gradients[x].item(), 8);
}

TEST(Tape, ConstantsKeepNothingAlive) {
  Tape tape;
  const Tensor x = tape.watch(row(1000));
  const Tensor b = row(1000);
  { const Tensor first = x + b; }  // the tape takes its own memory once
  const std::size_t before = memory::blocks_in_use();
  { const Tensor y = x + b; }  // a sum keeps neither
  EXPECT_EQ(memory::blocks_in_use(), before);
  { const Tensor y = x * b; }  // the rule of the constant is not stored, so x is not kept for it
  EXPECT_EQ(memory::blocks_in_use(), before);
}

TEST(Tape, LetsActivationsGoAsTheRewindPasses) {
  Tape tape;
  const Tensor x = tape.watch(number(1.5));
  const std::size_t before = memory::blocks_in_use();
  Tensor y = x;
  for (int i = 0; i < 50; i++) y = y * y;
  const Gradients gradients = tape.backward(y);
  y = Tensor();
  EXPECT_LE(memory::blocks_in_use(), before + 2);  // the gradient alone (and recycled slots)
}

TEST(Tape, AThirdPartysOperationWithoutARuleIsNamedWithItsPlace) {
  Tape tape;
  const Tensor x = tape.watch(row(3));
  const Tensor y = apply(Unruly{}, x * x);
  EXPECT_EQ(message_of([&] {
              tape.backward({{y, row(3)}});
            }),
            "backward: unruly has no derivative; it was operation 1 on this tape, on float64 [3]; "
            "give it one (see rules.h), or pause the tape around it");
}

struct WrongInPlace {  // whose rule adds into a gradient of another shape
  static constexpr std::string_view name = "wrong_in_place";
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    map(x, y, [](auto v) { return v; });
  }
  static void derivative(Rules<WrongInPlace> d) {
    d([](const Tensor&, Into) { return ones({7}, float64); });
  }
};

struct WrongRows {  // whose rule gives rows of another width
  static constexpr std::string_view name = "wrong_rows";
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    map(x, y, [](auto v) { return v; });
  }
  static void derivative(Rules<WrongRows> d) {
    d([](const Tensor&) { return Rows{tensor({0}), ones({1, 7}, float64)}; });
  }
};

TEST(Tape, ARuleThatGivesAnotherShapeIsNamed) {
  Tape tape;
  const Tensor x = tape.watch(row(3));
  const Tensor y = apply(Wrong{}, x);
  EXPECT_EQ(message_of([&] {
              tape.backward({{y, row(3)}});
            }),
            "backward: the rule of wrong for input 0 gave a gradient float64 [7], which is not the "
            "spec of that input");
  EXPECT_EQ(message_of([&] { (void)tape.backward(sum(apply(WrongInPlace{}, x))); }),
            "backward: the rule of wrong_in_place for input 0 gave a gradient float64 [7], which "
            "is not the spec of that input");
  const Tensor table = tape.watch(ones({3, 2}, float64));
  EXPECT_EQ(message_of([&] { (void)tape.backward(sum(apply(WrongRows{}, table))); }),
            "backward: the rule of wrong_rows for input 0 gave rows int64 [1] and values float64 "
            "[1, 7], which are no rows of that input, float64 [3, 2]");
}

struct Fragile {  // an operation whose attributes may fail to be copied
  struct Attribute {
    Attribute() = default;
    Attribute(const Attribute&) { throw std::runtime_error("copy"); }
  };
  static constexpr std::string_view name = "fragile";
  Attribute attribute;
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    map(x, y, [](auto v) { return v; });
  }
  static void derivative(Rules<Fragile> d) {
    d([](const Tensor& dy, const Fragile&, Input<0> x) { return dy * x; });
  }
};

TEST(Tape, AFailedRecordKeepsNothingAlive) {
  const std::size_t before = memory::blocks_in_use();
  {
    Tape tape;
    const Tensor x = tape.watch(number(3));
    EXPECT_THROW(apply(Fragile{}, x), std::runtime_error);
    EXPECT_EQ(tape.size(), 0u);
  }
  EXPECT_EQ(memory::blocks_in_use(), before);
}

TEST(Tape, ALossThatItDidNotComputeIsRefused) {
  Tensor y;
  {
    Tape tape;
    y = tape.watch(number(3)) * 2;
  }
  Tape tape;
  EXPECT_THROW(tape.backward(y), GradientError);
  EXPECT_THROW(tape.backward(number(1)), GradientError);
}

TEST(Tape, ALossOfSeveralElementsIsRefused) {
  Tape tape;
  const Tensor x = tape.watch(row(3));
  EXPECT_THROW(tape.backward(x * x), ShapeError);
}

TEST(Tape, AWriteThatGradientsWouldNotSeeIsRefused) {
  Tensor x = row(3);
  Tape tape;
  tape.watch(x);
  EXPECT_THROW(x.mutable_span<double>(), GradientError);
  Tensor y = x * x;
  EXPECT_THROW(y.mutable_span<double>(), GradientError);
}

TEST(Tape, AParameterKeepsItsShapeWhileATapeFollowsIt) {
  Parameter p(row(1), "p");
  Tape tape;
  const Tensor before = p;
  p.value() = row(3);
  EXPECT_EQ(message_of([&] { (void)Tensor{p}; }),
            "tape: parameter 'p' float64 [1] is float64 [3] now; a parameter keeps its shape while "
            "a tape follows it");
}

TEST(Tape, FindsTheRowsOfManyVariablesInOneWalk) {
  constexpr int kMany = 20'000;
  const Parameter table(ones({4, 1}, float64), "table");
  Tape tape;
  std::vector<Tensor> watched;
  Tensor total = number(0);
  for (int i = 0; i < kMany; i++) {
    watched.push_back(tape.watch(number(1)));
    total = total + watched.back() * sum(take(table, tensor({i % 4})));
  }
  const Gradients gradients = tape.backward(total);
  EXPECT_EQ(elements(gradients[table]), std::vector<double>(4, kMany / 4));
  EXPECT_EQ(gradients[watched.front()].item(), 1);
}

TEST(Tape, RecordsNothingOfWhatItsEndSetsOff) {
  const std::size_t before = memory::blocks_in_use();
  {
    std::optional<Tape> tape(std::in_place);
    const Tensor x = tape->watch(number(2));
    const double data = 3;
    {
      const Tensor borrowed = from_blob(&data, Dims{}, [&x] { (void)(x * x); });
      (void)(x * borrowed);
    }
    tape.reset();
  }
  EXPECT_EQ(memory::blocks_in_use(), before);
}

TEST(Tape, AValueThatOutlivesItsTapeIsAConstant) {
  Tensor y;
  {
    Tape tape;
    y = tape.watch(number(3)) * 2;
  }
  y.mutable_span<double>()[0] = 5;
  Tape tape;
  const Tensor x = tape.watch(number(2));
  EXPECT_DOUBLE_EQ(tape.backward(x * y)[x].item(), 5);
}

TEST(Tape, AWatchedResultHasAGradientToo) {
  Tape tape;
  const Tensor x = tape.watch(number(3));
  Tensor h = x * x;
  tape.watch(h);
  const Gradients gradients = tape.backward(h * h);
  EXPECT_DOUBLE_EQ(gradients[h].item(), 18);
  EXPECT_DOUBLE_EQ(gradients[x].item(), 108);
}

TEST(Tape, WrtLimitsWhatIsComputed) {
  Tape tape;
  const Tensor x = tape.watch(number(3));
  const Tensor z = tape.watch(number(4));
  const Tensor unruly = apply(Unruly{}, z);  // never reached: it leads only from z
  const Gradients gradients = tape.backward(x * unruly, {.wrt = {x}});
  EXPECT_DOUBLE_EQ(gradients[x].item(), 4);
  EXPECT_EQ(gradients.find(z), nullptr);
}

TEST(Tape, WrtDoesNotRewindWhatMadeTheVariable) {
  Tape tape;
  const Tensor h = apply(Unruly{}, tape.watch(number(3)));
  EXPECT_DOUBLE_EQ(tape.backward(h * h, {.wrt = {h}})[h].item(), 6);
}

TEST(Tape, AWatchedParameterIsKnownByBothNames) {
  const Parameter p(number(3));
  Tape tape;
  Tensor w = tape.follow(p);
  tape.watch(w);
  tape.watch(w);
  const Gradients gradients = tape.backward(w * w);
  EXPECT_DOUBLE_EQ(gradients[p].item(), 6);
  EXPECT_DOUBLE_EQ(gradients[w].item(), 6);
}

TEST(Tape, GradientsLieRowAfterRow) {
  Tape tape;
  const Tensor x = tape.watch(row(4));
  const Gradients gradients = tape.backward(sum(x), {.per_use = {x}});
  EXPECT_EQ(gradients[x].span<double>()[3], 1);
  EXPECT_TRUE(gradients.find(x)->terms[0].values.contiguous());
}

TEST(Tape, ARefusedRewindLeavesItRecording) {
  Tape tape;
  const Tensor x = tape.watch(number(3));
  const Tensor stranger = number(1);
  for (const bool per_use : {false, true}) {
    const BackwardOptions options =
        per_use ? BackwardOptions{.per_use = {stranger}} : BackwardOptions{.wrt = {stranger}};
    EXPECT_EQ(message_of<GradientError>([&] { (void)tape.backward(x * x, options); }),
              fmt::format("backward: {} names the tensor float64 [], which had no part in this "
                          "tape; was it watched, is it frozen, or a copy of the one that was used?",
                          per_use ? "per_use" : "wrt"));
  }
  EXPECT_EQ(Tape::current(), &tape);
  EXPECT_DOUBLE_EQ(tape.backward(x * x)[x].item(), 6);
}

TEST(Tape, RecordedRewindsGiveHigherDerivatives) {
  Tape tape;
  const Tensor x = tape.watch(number(2));
  const Tensor dx = tape.backward(x * x * x * x, {.record = true})[x];
  const Tensor ddx = tape.backward(dx, {.record = true})[x];
  const Tensor dddx = tape.backward(ddx)[x];
  EXPECT_DOUBLE_EQ(dx.item(), 32);
  EXPECT_DOUBLE_EQ(ddx.item(), 48);
  EXPECT_DOUBLE_EQ(dddx.item(), 48);
}

TEST(Bug25, TheTwoArmsOfADiamondAddUp) {
  Tape tape;
  const Tensor x = tape.watch(number(2));
  const Tensor y = 3 * x;
  const Gradients gradients = tape.backward(2 * y + 5 * y);
  EXPECT_DOUBLE_EQ(gradients[x].item(), 21);
}

TEST(Bug26, AGradientHandedToTwoInputsIsNotAddedIntoTwice) {
  Tape tape;
  const Tensor x = tape.watch(number(3));
  const Tensor y = tape.watch(number(4));
  const Tensor z = x + y;
  const Gradients gradients = tape.backward(x / z);
  EXPECT_DOUBLE_EQ(gradients[x].item(), 4.0 / 49);
  EXPECT_DOUBLE_EQ(gradients[y].item(), -3.0 / 49);
}

TEST(Bug28, AWriteToASavedValueCopiesFirst) {
  Tensor b = number(5);
  Tape tape;
  const Tensor x = tape.watch(number(3));
  const Tensor y = x * b;
  b.mutable_span<double>()[0] = 100;
  EXPECT_DOUBLE_EQ(tape.backward(y)[x].item(), 5);
}

TEST(Bug31, ASecondRewindDoublesWithKeepAndSaysSoWithout) {
  Tape tape;
  const Tensor x = tape.watch(number(3));
  const Tensor y = x * x;
  Gradients twice = tape.backward(y, {.keep = true});
  twice += tape.backward(y);
  EXPECT_DOUBLE_EQ(twice[x].item(), 12);
  EXPECT_EQ(
      message_of([&] { tape.backward(y); }),
      "backward: what multiply kept went with an earlier backward, done or failed; give that one "
      "{.keep = true}");
}

TEST(Bug33, EightThreadsRewindOverSharedParameters) {
  const Parameter w(row(64), "w");
  std::vector<double> sums(8);
  std::vector<std::thread> threads;
  for (double& sum : sums) {
    threads.emplace_back([&w, &sum] {
      for (std::size_t i = 0; i < 200; i++) {
        Tape tape;
        const Tensor y = static_cast<Tensor>(w) * w;
        sum += tape.backward({{y, row(64)}})[w].span<double>()[i % 64];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (double sum : sums) EXPECT_DOUBLE_EQ(sum, 400);
}

}  // namespace
}  // namespace rw
