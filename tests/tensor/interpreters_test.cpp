// Interpreters one by one and on top of each other.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/extrema.h"
#include "rewind/tensor/interpreters/nan_trap.h"
#include "rewind/tensor/interpreters/profiler.h"
#include "rewind/tensor/interpreters/tracer.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/unary.h"
#include "rewind/tensor/views.h"
#include "support/elements.h"

namespace rw {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(NanTrap, NamesTheOperationTheFirstElementAndItsValue) {
  const NanTrap trap;
  const Tensor x = tensor({{1.0, 2.0, 4.0}, {3.0, 0.0, -1.0}});
  EXPECT_ERROR(log(x), ValueError,
               "nan trap: log gave -inf at [1, 1] of its result float32 [2, 3], and its inputs "
               "float32 [2, 3] are finite");
  EXPECT_ERROR(ones({2}) / zeros({2}), ValueError,
               "nan trap: divide gave inf at [0] of its result float32 [2], and its inputs float32 "
               "[2], float32 [2] are finite");
}

TEST(NanTrap, LetsPassWhatWasNotFiniteBefore) {
  const Tensor bad = tensor({1.0, kInfinity});
  const NanTrap trap;
  EXPECT_EQ(elements(bad + 1), (std::vector<double>{2, kInfinity}));
  EXPECT_EQ(elements(full({1}, kInfinity)), std::vector<double>{kInfinity});
}

TEST(NanTrap, LooksAtInputsThatWouldHaveBeenOverwritten) {
  const NanTrap trap;
  EXPECT_THROW(tensor({1e30, 1.0}) * tensor({1e30, 1.0}), ValueError);
}

TEST(NanTrap, MayAllowInfinity) {
  const NanTrap trap({.allow_infinity = true});
  EXPECT_EQ(log(zeros({1})).item(), -kInfinity);
  EXPECT_THROW(zeros({1}) / zeros({1}), ValueError);
}

TEST(NanTrap, ReadsStridedResults) {
  const NanTrap trap;
  const Tensor x = tensor({{1.0, -1.0}, {2.0, 3.0}}, float64);
  EXPECT_EQ(transpose(x, 0, 1).shape(), (Dims{2, 2}));
  EXPECT_THROW(log(transpose(x, 0, 1)), ValueError);
}

// Whether `name` took longer than all other operations together.
bool leads(const Profiler& profiler, const std::string& name) {
  std::int64_t ahead = 0;
  for (const auto& entry : profiler.entries()) {
    ahead += entry.name == name ? entry.nanoseconds : -entry.nanoseconds;
  }
  return ahead > 0;
}

TEST(Profiler, CountsCallsAndSortsByTime) {
  Profiler profiler;
  const Tensor small = ones({1}) + ones({1}) + ones({1});
  const Tensor big = ones({300, 300});
  // Any call may take long on a busy machine: the last operation is called until it leads.
  std::int64_t calls = 0;
  do {
    matmul(big, big);
    calls += 1;
  } while (!leads(profiler, "matmul"));
  const auto entries = profiler.entries();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].name, "matmul");
  EXPECT_EQ(entries[0].calls, calls);
  EXPECT_GE(entries[1].nanoseconds, entries[2].nanoseconds);
  EXPECT_EQ(entries[1].calls + entries[2].calls, 4 + 2);
}

TEST(Profiler, PrintsATable) {
  Profiler profiler;
  EXPECT_EQ(to_string(profiler),
            "operation                calls    total ms     mean us    share\ntotal                "
            "        0       0.000       0.000    0.0 %\n");
  const Tensor y = ones({3}) + ones({3});
  const std::string table = to_string(profiler);
  EXPECT_NE(table.find("\nadd                          1 "), std::string::npos) << table;
  EXPECT_NE(table.find("\ntotal                        3 "), std::string::npos) << table;
  EXPECT_NE(table.find("  100.0 %\n"), std::string::npos) << table;
}

TEST(ShapeTracer, WritesDownWhatWasAppliedToWhat) {
  ShapeTracer tracer;
  const Tensor x = tracer.input({{2, 3}, float32});
  const Tensor w = Tensor::shape_only({{3, 4}, float32});
  const Tensor h = matmul(x, w);
  const Tensor y = 1 - h * h;
  EXPECT_FALSE(y.has_data());
  EXPECT_EQ(to_string(tracer),
            "%2 = matmul(%0, %1) float32 [2, 4]\n%3 = multiply(%2, %2) float32 [2, 4]\n%4 = "
            "affine{-1, 1}(%3) float32 [2, 4]\n");
}

TEST(ShapeTracer, WritesDownTheAttributesThatOperationsHaveInCommon) {
  ShapeTracer tracer;
  const Tensor x = tracer.input({{2, 3}, float32});
  sum(x, 1, true);
  max(x, 0);
  var(x, 1);
  EXPECT_EQ(to_string(tracer),
            "%1 = sum{[1], true}(%0) float32 [2, 1]\n%2 = max{[0], false}(%0) float32 [3]\n%3 = "
            "var{[1], false, 1}(%0) float32 [2]\n");
}

TEST(ShapeTracer, KnowsACapturedTensorAgain) {
  const Tensor w = ones({3}), v = ones({3});
  ShapeTracer tracer;
  const Tensor x = tracer.input({{3}, float32});
  const Tensor y = (x * w + v) * w;
  EXPECT_EQ(to_string(tracer),
            "%2 = multiply(%0, %1) float32 [3]\n%4 = add(%2, %3) float32 [3]\n%5 = multiply(%4, "
            "%1) float32 [3]\n");
}

TEST(ShapeTracer, ComputesNothingAtAnySize) {
  ShapeTracer tracer;
  const Index huge = Index{1} << 30;
  EXPECT_EQ(matmul(tracer.input({{huge, huge}, float32}), ones({huge, 2})).shape(),
            (Dims{huge, 2}));
}

TEST(ShapeTracer, ReadingAValueIsAnError) {
  ShapeTracer tracer;
  const Tensor y = tracer.input({{}, float32}) + 1;
  EXPECT_ERROR(
      y.item(), ValueError,
      "item: only the shape of this float32 [] is known; values of a traced step cannot be read, "
      "in it or after it: return them, look at them with note, or use loop(...) or PlainLoops");
}

TEST(ShapeTracer, ShapeMistakesAreFoundWithoutComputing) {
  ShapeTracer tracer;
  const Tensor x = tracer.input({{2, 3}, float32});
  EXPECT_ERROR(matmul(x, x), ShapeError, "matmul: inner sizes differ, [2, 3] x [2, 3]");
  EXPECT_TRUE(tracer.steps().empty());
}

TEST(ShapeTracer, TwoTracersDoNotTakeEachOthersValues) {
  ShapeTracer outer;
  const Tensor x = outer.input({{2}, float32});
  ShapeTracer inner;
  const Tensor mine = inner.input({{2}, float32});
  const Tensor y = mine + x;
  ASSERT_EQ(inner.steps().size(), 1u);
  EXPECT_EQ(inner.steps()[0].inputs, (std::vector<int>{0, 1}));
}

struct Counter final : Interpreter {
  int calls = 0;
  void run(Call& call) override {
    calls++;
    hand_down(call);
  }
};

// Uses operations itself, which must go to those below it and not come back.
struct Doubler final : Interpreter {
  int runs = 0;
  void run(Call& call) override {
    runs++;
    hand_down(call);
    for (Tensor& y : call.outputs) y = y + y;
  }
};

TEST(Interpreters, AnOperationInsideOneGoesBelow) {
  Counter below;
  Doubler doubler;
  Counter above;
  EXPECT_EQ((ones({1}) * ones({1})).item(), 8);  // (1 + 1) (1 + 1), doubled
  EXPECT_EQ(above.calls, 3);
  EXPECT_EQ(doubler.runs, 3);
  EXPECT_EQ(below.calls, 6);
}

TEST(Interpreters, StandOnEachOther) {
  Profiler profiler;
  const NanTrap trap;
  ShapeTracer tracer;
  const Tensor y = log(zeros({2}));  // nothing is computed below the tracer
  EXPECT_EQ(tracer.steps().size(), 2u);
  EXPECT_TRUE(profiler.entries().empty());
}

TEST(Interpreters, MayLeaveInAnyOrder) {
  for (int first : {0, 1, 2}) {
    for (int second : {0, 1, 2}) {
      if (first == second) continue;
      std::array<std::unique_ptr<Counter>, 3> stack;
      for (auto& i : stack) i = std::make_unique<Counter>();
      stack[static_cast<std::size_t>(first)].reset();
      stack[static_cast<std::size_t>(second)].reset();
      const Tensor y = ones({1});
      EXPECT_EQ(stack[static_cast<std::size_t>(3 - first - second)]->calls, 1);
      stack = {};
      EXPECT_EQ((ones({1}) + 1).item(), 2);
    }
  }
}

// Starts a counter below itself while it runs.
struct Starter final : Interpreter {
  std::unique_ptr<Counter> started;
  void run(Call& call) override {
    if (!started) started = std::make_unique<Counter>();
    hand_down(call);
  }
};

TEST(Interpreters, OneThatIsStartedInsideAnotherStandsBelowIt) {
  Counter bottom;
  auto starter = std::make_unique<Starter>();
  const Tensor x = ones({1});
  EXPECT_EQ(starter->started->calls, 1);
  EXPECT_EQ((x + 1).item(), 2);
  EXPECT_EQ(starter->started->calls, 2);
  EXPECT_EQ(bottom.calls, 2);
  const std::unique_ptr<Counter> left = std::move(starter->started);
  starter.reset();
  EXPECT_EQ((x + 1).item(), 2);
  EXPECT_EQ(left->calls, 3);
  EXPECT_EQ(bottom.calls, 3);
}

TEST(Interpreters, AnErrorLeavesTheStackAsItWas) {
  Counter below;
  const NanTrap trap;
  Counter above;
  EXPECT_THROW(log(zeros({1})), ValueError);
  EXPECT_THROW(matmul(ones({2}), ones({3})), ShapeError);
  const int seen = above.calls;
  EXPECT_EQ(below.calls, seen);
  const Tensor y = ones({1});
  EXPECT_EQ(above.calls, seen + 1);
  EXPECT_EQ(below.calls, seen + 1);
}

TEST(Interpreters, AreOfOneThread) {
  Counter mine;
  std::thread([] { EXPECT_EQ((ones({1}) + 1).item(), 2); }).join();
  EXPECT_EQ(mine.calls, 0);
}

}  // namespace
}  // namespace rw
