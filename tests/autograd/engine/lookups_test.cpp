// Products of what steps look up in a table: the table is multiplied where it is smaller, and
// nothing else is computed by that.
#include "rewind/autograd/engine/run/lookups.h"

#include <gtest/gtest.h>

#include "autograd/engine/plans_of.h"
#include "rewind/autograd/explain.h"
#include "rewind/tensor/division.h"
#include "support/elements.h"

namespace rw::test {
namespace {

using engine::PlanningWith;

constexpr Index kSteps = 12, kSymbols = 5;

Tensor few_tokens() { return tokens({kSteps, B}, kSymbols); }

// By `symbols` of cells.h; the last weight is the table.
ScanCase symbols_case() {
  return {{few_tokens()}, states({H}), weights({{I, H}, {H, H}, {H}, {kSymbols, I}}), symbols};
}

engine::PlanOptions the_long_way() {
  engine::PlanOptions options;
  options.program.by_table = false;
  return options;
}

TEST(Lookups, OfManyStepsAreThePlainLoop) {
  for (const bool reverse : {false, true}) {
    ScanCase c = symbols_case();
    c.reverse = reverse;
    expect_the_plain_loop(c, "symbols");
    c.lengths = {10, 0, kSteps};
    expect_the_plain_loop(c, "symbols");
    c.reset = greater(numbers({kSteps, B}, 4), 0.1);
    expect_the_plain_loop(c, "symbols");
    c.segments = 1;
    expect_the_plain_loop(c, "symbols in a segment");
  }
}

TEST(Lookups, GiveTheBitsOfTheLongerWay) {
  const ScanCase c = symbols_case();
  const auto outputs = [&] { return elements(ScanRun(c).values[0]); };
  const auto by_table = outputs();
  const PlanningWith scope(the_long_way());
  EXPECT_EQ(by_table, outputs());
}

// The table is multiplied once, and its gradients are made of sums over all stretches of time.
TEST(Lookups, InStretchesOfTimeAreThePlainLoop) {
  engine::PlanOptions options;
  options.program.steps_at_a_time = 3;
  const PlanningWith scope(options);
  for (const bool reverse : {false, true}) {
    ScanCase c = symbols_case();
    c.reverse = reverse;
    expect_the_plain_loop(c, "symbols");
    c.lengths = {10, 0, kSteps};
    expect_the_plain_loop(c, "symbols");
  }
}

// The look-up runs in the loop, the gradient of what it is multiplied by after it.
TEST(Lookups, InALoopThatMixesRowsAreThePlainLoop) {
  const auto step = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor e = take(w[1], x[0]);
    const Tensor mixed = matmul(softmax(matmul(s[0], transpose(s[0])), -1), s[0]);
    return {one(tanh(e * mixed)), one(matmul(e, w[0]))};
  };
  expect_the_plain_loop({{few_tokens()}, states({I}), weights({{I, H}, {kSymbols, I}}), step},
                        "mixed");
}

// What is looked up goes into the state, before the loop, and to the output, after it.
ScanCase indices_case(std::function<Tensor(const Tensor&)> indices) {
  const auto step = [indices](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor e = take(w[3], indices(x[0]));
    const Tensor h = tanh(matmul(e, w[0]) + matmul(take(w[4], x[0]), w[0]) + matmul(s[0], w[1]));
    return {one(h), one(h + matmul(e, w[2]))};
  };
  const Dims table{kSymbols, I};
  return {{few_tokens()}, states({H}), weights({{I, H}, {H, H}, {I, H}, table, table}), step};
}

TEST(Lookups, OfDrawnIndicesAreThePlainLoop) {
  expect_the_plain_loop(indices_case([](const Tensor& x) {
                          return where(bernoulli({B}, {.p = 0.6, .dtype = boolean}), x, 0);
                        }),
                        "drawn");
}

// On the way back the indices are remembered.
TEST(Lookups, OfDrawnIndicesAreNotSaidToGoByATable) {
  const auto said = [](const std::function<Tensor(const Tensor&)>& indices) {
    const ScanCase c = indices_case(indices);
    const auto step = [&](const Tensors& x, const Tensors& s) { return c.step(x, s, c.weights); };
    const std::string text = explain(step, c.xs, c.initial);
    const std::string_view forward = std::string_view(text).substr(0, text.find("backward"));
    std::size_t count = 0;
    for (std::size_t at = 0; (at = forward.find("by the table", at)) != forward.npos; at++) count++;
    return count;
  };
  EXPECT_EQ(said([](const Tensor& x) { return x; }), 3u);
  EXPECT_EQ(said([](const Tensor& x) {
              return where(bernoulli({B}, {.p = 0.6, .dtype = boolean}), x, 0);
            }),
            1u);
}

TEST(Lookups, OfIndicesWithAPartOfEachRowAreThePlainLoop) {
  const Tensor of_rows = from_span(std::vector<Index>{1, 0, 2}, {B});
  expect_the_plain_loop(
      indices_case([&](const Tensor& x) { return remainder(x + of_rows, kSymbols); }),
      "of each row");
}

TEST(Lookups, OfRowsThatNobodyReadsCountForNothing) {
  ScanCase c = symbols_case();
  c.weights[3] = concat({c.weights[3], full({1, I}, std::nan(""), float64)}, 0);
  c.second = false;
  const Tensors all = all_of(c);
  for (const Tensor& x : all) EXPECT_FALSE(any(isnan(x)).item() != 0);
  const PlainLoops plainly;
  const Tensors plain = all_of(c);
  for (std::size_t i = 0; i < all.size(); i++) {
    EXPECT_LE(largest_difference(all[i], plain[i]), 1e-12) << "value " << i;
  }
}

TEST(Lookups, InATableThatIsNotSmallerAreMadeRowByRow) {
  ScanCase c = symbols_case();
  c.xs = {slice(c.xs[0], 0, 0, 3)};  // 9 rows, and 5 of the table
  expect_the_plain_loop(c, "symbols");
}

// How many operations outside of the loop go by the table when so many rows are looked up.
int count_by_table(const engine::Program& program, Index rows) {
  engine::Lifted lifted(program, rows);
  const auto set = [&](engine::ValueId v) {
    const Spec& spec = program.step.graph.spec(v);
    const Tensor x = zeros(spec.shape.with(0, rows), spec.dtype);
    lifted.set(v, x);
  };
  for (const engine::ValueId x : program.step.inputs) set(x);
  for (std::size_t v = 0; v < program.stacks.size(); v++) {
    if (program.stacks[v]) set(static_cast<engine::ValueId>(v));
  }
  for (const engine::ValueId x : program.step.invariants) {
    const Spec& spec = program.step.graph.spec(x);
    lifted.set_invariant(x, zeros(spec.shape, spec.dtype));
  }
  int count = 0;
  for (std::size_t n = 0; n < program.step.graph.nodes().size(); n++) {
    const engine::Fate fate = program.fates.node[n];
    if (fate != engine::Fate::before && fate != engine::Fate::after) continue;
    const engine::Graph::Node& node = program.step.graph.nodes()[n];
    count += product_by_table(program, lifted, node, node.first).has_value();
    count += sum_by_table(program, lifted, node).has_value();
  }
  return count;
}

// Forward the product of the input; back the gradients of its matrix and of the table.
TEST(Lookups, GoByATableOfHalfTheRowsOrFewer) {
  const Plans plans = plans_of(symbols_case());
  const engine::Program& forward = plans.forward->program();
  const engine::Program& backward = plans.backward->recurrence->program();
  EXPECT_EQ(count_by_table(forward, 2 * kSymbols), 1);
  EXPECT_EQ(count_by_table(backward, 2 * kSymbols), 2);
  EXPECT_EQ(count_by_table(forward, 2 * kSymbols - 1), 0);
  EXPECT_EQ(count_by_table(backward, 2 * kSymbols - 1), 0);
}

}  // namespace
}  // namespace rw::test
