// How time is cut for a loop and the work around it.
#include "rewind/autograd/engine/run/stretches.h"

#include <gtest/gtest.h>

#include <limits>

#include "autograd/engine/cells.h"
#include "rewind/autograd/engine/plans.h"
#include "rewind/tensor/parallel.h"
#include "support/elements.h"

namespace rw::test {
namespace {

engine::Program program_of(Index steps_at_a_time) {
  engine::Program program;
  program.steps_at_a_time = steps_at_a_time;
  return program;
}

std::vector<Index> lengths(Index steps_at_a_time, Index time) {
  std::vector<Index> result;
  Index next = 0;
  const engine::RowSchedule rows(time, 2);
  for (const engine::Stretch s : engine::stretches(program_of(steps_at_a_time), rows)) {
    EXPECT_EQ(s.begin, next);
    next = s.end;
    result.push_back(s.steps());
  }
  EXPECT_EQ(next, time);
  return result;
}

TEST(Stretches, AreAsEqualAsTheyCanBe) {
  EXPECT_EQ(lengths(4, 11), (std::vector<Index>{3, 4, 4}));
  EXPECT_EQ(lengths(1, 3), (std::vector<Index>{1, 1, 1}));
}

TEST(Stretches, AreOneOfUpToHalfAsManyStepsAgain) {
  EXPECT_EQ(lengths(4, 6), (std::vector<Index>{6}));
  EXPECT_EQ(lengths(4, 7), (std::vector<Index>{3, 4}));
  EXPECT_EQ(lengths(std::numeric_limits<Index>::max(), 1000), (std::vector<Index>{1000}));
}

// One long row beside many short ones: products over a few rows would each pass over all weights.
TEST(Stretches, HaveAsManyRowsWhereSomeAreLeftOut) {
  std::vector<Index> lengths(10, 6);
  lengths[3] = 100;
  const engine::RowSchedule rows(200, lengths);
  const auto stretches = engine::stretches(program_of(3), rows);
  ASSERT_EQ(stretches.size(), 5u);
  Index next = 0;
  for (const engine::Stretch s : stretches) {
    EXPECT_EQ(s.begin, next);
    EXPECT_GE(rows.first_row(s.end) - rows.first_row(s.begin), 30);
    next = s.end;
  }
  EXPECT_EQ(next, 200);
  EXPECT_EQ(engine::stretches(program_of(3), engine::RowSchedule(200, {0, 0})).size(), 1u);
}

// h W, plus x or x W.
Index steps_of(Index batch, Index hidden, bool product_of_x) {
  engine::Step step;
  engine::Graph& graph = step.graph;
  step.inputs = {graph.leaf({{batch, hidden}, float32})};
  step.states = {graph.leaf({{batch, hidden}, float32})};
  step.invariants = {graph.leaf({{hidden, hidden}, float32})};
  const auto times_w = [&](engine::ValueId x) {
    return graph.apply(engine::Operation::of(MatMul{}), {x, step.invariants[0]});
  };
  const engine::ValueId x = product_of_x ? times_w(step.inputs[0]) : step.inputs[0];
  step.next = {graph.apply(engine::Operation::of(Add{}), {x, times_w(step.states[0])})};
  step.outputs = step.next;
  step.input_rows = step.output_rows = {0};
  return engine::compile(step, batch).steps_at_a_time;
}

TEST(Stretches, AreOneWhereAllRunsInTheLoop) {
  EXPECT_EQ(steps_of(32, 128, false), std::numeric_limits<Index>::max());
  EXPECT_LT(steps_of(32, 128, true), 100);
}

TEST(Stretches, AreShorterWhereStepsLeaveMore) {
  EXPECT_EQ(steps_of(32, 1024, true), 384 / 32);
  EXPECT_EQ(steps_of(1000, 1024, true), 1);
  EXPECT_GT(steps_of(32, 16, true), 10 * steps_of(32, 1024, true));
}

// What is made outside of the loop, with its rows along the second axis.
TEST(Stretches, PutOutputsTogetherAlongAnyAxis) {
  ScanCase c{inputs(), states({H}), weights({{I, H}, {H, H}, {H, K}}), {}};
  c.step = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor h = tanh(matmul(x[0], w[0]) + matmul(s[0], w[1]));
    return {one(h), {transpose(matmul(x[0], w[0])), transpose(matmul(h, w[2])), x[0]}};
  };
  engine::PlanOptions options;
  for (const Index steps : {1, 2, 3}) {
    options.program.steps_at_a_time = steps;
    const engine::PlanningWith scope(options);
    for (const bool reverse : {false, true}) {
      c.reverse = reverse;
      expect_the_plain_loop(c, "turned");
    }
  }
}

// Gradients of captured tensors are sums over all stretches: of products, which workers share when
// they are long, of rows, of a table.
TEST(Stretches, GiveTheSameBitsForAnyNumberOfThreads) {
  engine::PlanOptions options;
  options.program.steps_at_a_time = 30;
  const engine::PlanningWith scope(options);
  const auto all = [](int threads) {
    ScanCase c{{tokens({70, 24})}, {numbers({24, 40}, 2)}, {}, symbols};
    c.weights = weights({{40, 40}, {40, 40}, {40}, {V, 40}});
    c.second = false;
    const Threads limit(threads);
    std::vector<std::vector<double>> result;
    for (const Tensor& x : all_of(c)) result.push_back(elements(x));
    return result;
  };
  const auto one = all(1);
  for (const int threads : {2, 3, 5, 8}) EXPECT_EQ(one, all(threads)) << threads << " threads";
}

}  // namespace
}  // namespace rw::test
