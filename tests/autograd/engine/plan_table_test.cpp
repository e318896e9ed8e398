// What becomes of cells in their plans: how much is kept for the way back, and how much runs at
// every step. Printed as a table, and held to what the plans of these cells are known to reach.
#include <gtest/gtest.h>

#include <cstdio>

#include "autograd/engine/plans_of.h"

namespace rw::test {
namespace {

using engine::ValueId;

// Instructions in the loop: element-wise ones, packed products, and ordinary kernels.
struct Count {
  std::size_t elements = 0, products = 0, ordinary = 0;
};

Count count(const engine::Program& program) {
  Count found;
  for (const engine::Instruction& instruction : program.loop) {
    if (const auto* e = std::get_if<engine::ElementInstruction>(&instruction)) {
      found.elements += e->program.instructions.size();
    }
    const auto* ordinary = std::get_if<engine::OrdinaryInstruction>(&instruction);
    const bool packed = ordinary && ordinary->packed >= 0;
    found.products += packed || std::holds_alternative<engine::ProductInstruction>(instruction);
    found.ordinary += ordinary && !packed;
  }
  return found;
}

struct Expected {
  const char* name;
  Index kept;  // numbers for each step and row, beside inputs and outputs
  Count forward, backward;
  std::size_t accumulated = 0;  // sums over the steps that are added up in the loop
};

// Ordinary kernels are reductions (four of a layer norm, each way), the draw of a
// mask, softmax and the sum of its derivative, and what attention makes of a context that every row
// has of its own: the products with it, and in the loop also the sums that are its gradients.
std::vector<Expected> table() {
  return {
      {"elman", 0, {1, 1}, {2, 1}},
      {"relu", 0, {1, 1}, {3, 1}},
      {"symbols", 0, {1, 1}, {2, 1}},
      {"lstm", 5 * H, {8, 1}, {16, 1}},
      {"lstm of concat", 5 * H, {8, 1}, {16, 1}},
      {"lstm of four gates", 5 * H, {8, 1}, {16, 1}},
      {"gru before", 3 * H, {6, 2}, {11, 2}},
      {"gru after", 4 * H, {10, 1}, {14, 1}},
      {"minimal gated", 2 * H, {6, 2}, {13, 2}},
      {"peephole", 5 * H, {11, 1}, {22, 1}},
      {"layer norm", 9 * H + 4, {22, 1, 4}, {64, 1, 4}},
      {"dot attention", K + S, {2, 2, 3}, {8, 2, 7}, 2},
      {"additive attention", 2 * K + S, {3, 3, 3}, {10, 3, 6}, 2},
      // Two states times two matrices are two products, the second added onto the first. Put side
      // by side first they would be one, of the same work and with a copy of both states: written
      // so by the user, a training step takes 1.00 to 1.02 times as long (benchmarks/RESULTS.md).
      {"two states", K + H + K, {6, 3}, {6, 3}},
      {"residual", H, {2, 2}, {3, 2}},
      {"dropout", 0, {2, 1, 1}, {4, 1, 1}},
      {"head", H, {1, 1}, {2, 1}},
  };
}

// A mask of its own at every step.
Results dropout(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor mask = bernoulli(s[0].shape(), {.p = 0.7, .dtype = float64});
  const Tensor h = tanh(matmul(x[0], w[0]) + matmul(s[0] * mask, w[1]) + w[2]);
  return {one(h), one(h)};
}

ScanCase cell_of(const std::string& name) {
  if (name == "dropout") return {inputs(), states({H}), kSimple, dropout};
  return cell_named(name);
}

// A state that steps begin with is kept where an output remembers what they end with.
Index kept_numbers(const engine::Recurrence& recurrence) {
  const engine::Step& step = recurrence.step();
  const auto own = step.outputs.begin() + static_cast<std::ptrdiff_t>(recurrence.own_outputs());
  Index kept = 0;
  for (auto y = own; y != step.outputs.end(); ++y) {
    const auto state = std::find(step.states.begin(), step.states.end(), *y) - step.states.begin();
    const bool is_state = state < std::ssize(step.states);
    const bool chained =
        is_state && std::find(step.outputs.begin(), step.outputs.end(),
                              step.next[static_cast<std::size_t>(state)]) != step.outputs.end();
    if (!chained) kept += step.graph.spec(*y).shape.count() / B;
  }
  return kept;
}

void expect_count(const Count& found, const Count& expected) {
  EXPECT_LE(found.elements, expected.elements);
  EXPECT_EQ(found.products, expected.products);
  EXPECT_EQ(found.ordinary, expected.ordinary);
}

// What leaves the loop: products that no next state needs. Sums of what every row has of its own
// are added up in the loop, and products lead there.
void expect_products_of_states_alone(const engine::Program& program) {
  const engine::Step& step = program.step;
  std::vector<ValueId> needed = step.next;
  for (const int i : program.fates.accumulated) {
    const ValueId sum = step.sums[static_cast<std::size_t>(i)];
    EXPECT_NE(program.rows.axis_of(sum), engine::Rows::kNone) << "sum " << i;
    needed.push_back(sum);
  }
  const std::vector<bool> live = engine::live_values(step.graph, needed);
  for (std::size_t n = 0; n < step.graph.nodes().size(); n++) {
    const engine::Graph::Node& node = step.graph.nodes()[n];
    const auto y = static_cast<std::size_t>(node.first);
    if (!node.operation.is<MatMul>() || !engine::runs_in_loop(program.fates.node[n])) continue;
    EXPECT_TRUE(live[y]) << "product %" << y << " is needed by no next state";
    EXPECT_EQ(program.depends[y], engine::Dependence::state) << "product %" << y;
    EXPECT_NE(program.rows.effect[n], engine::RowEffect::added) << "product %" << y;
  }
}

void expect_gradients_of_inputs_after_the_loop(const engine::Program& program) {
  for (const ValueId dx : program.step.outputs) {
    const auto n = program.step.graph.maker(dx) - program.step.graph.nodes().data();
    EXPECT_EQ(program.fates.node[static_cast<std::size_t>(n)], engine::Fate::after);
  }
}

TEST(PlanTable, CellsComeOutAsTheyShould) {
  std::printf("%-20s %5s %9s %9s %9s\n", "cell", "kept", "elements", "products", "ordinary");
  for (const Expected& expected : table()) {
    SCOPED_TRACE(expected.name);
    const Plans plans = plans_of(cell_of(expected.name));
    const engine::Program& backward = plans.backward->recurrence->program();
    const Count f = count(plans.forward->program()), b = count(backward);
    const Index kept = kept_numbers(*plans.forward);
    std::printf("%-20s %5ld %4zu %4zu %4zu %4zu %4zu %4zu\n", expected.name,
                static_cast<long>(kept), f.elements, b.elements, f.products, b.products, f.ordinary,
                b.ordinary);
    EXPECT_LE(kept, expected.kept);
    expect_count(f, expected.forward);
    expect_count(b, expected.backward);
    EXPECT_EQ(backward.fates.accumulated.size(), expected.accumulated);
  }
}

// The derivative of the backward scan goes forward, with the products of the forward scan; what it
// gives of the values that were kept goes back, with those of the backward scan. Two cells have one
// more: that of a mask, and additive attention, which computes its scores again. Where the first
// has no ordinary kernels, the second has none.
TEST(PlanTable, TheSecondDerivativeHasTheProductsOfTheFirstInItsLoops) {
  for (const Expected& expected : table()) {
    SCOPED_TRACE(expected.name);
    const auto forward = plans_of(cell_of(expected.name)).forward;
    engine::Wanted wanted = forward->wanted();
    wanted.outputs.assign(forward->step().outputs.size(), false);
    wanted.outputs[0] = true;
    const auto backward = forward->backward(wanted, true)->recurrence;
    engine::Wanted again = backward->wanted();
    again.outputs.assign(backward->step().outputs.size(), false);
    std::fill_n(again.outputs.begin(), backward->own_outputs(), true);
    wanted.outputs.assign(forward->step().outputs.size(), true);
    const std::string name = expected.name;
    const std::size_t more = name == "dropout" || name == "additive attention" ? 1 : 0;
    const auto loop_of = [](const auto& planned) { return count(planned->recurrence->program()); };
    const Count second = loop_of(backward->backward(again, false));
    const Count of_kept = loop_of(forward->backward(wanted, false));
    EXPECT_EQ(second.products, expected.forward.products + more);
    EXPECT_EQ(of_kept.products, expected.backward.products);
    if (expected.forward.ordinary == 0) {
      EXPECT_EQ(second.ordinary, 0u);
    }
    EXPECT_EQ(of_kept.ordinary, expected.backward.ordinary);
  }
}

// Every product of inputs alone is hoisted; every gradient of a weight, a bias or an input sinks.
TEST(PlanTable, OnlyWhatStatesNeedRunsInTheLoop) {
  for (const Expected& expected : table()) {
    SCOPED_TRACE(expected.name);
    const ScanCase cell = cell_of(expected.name);
    const Plans plans = plans_of(cell);
    const engine::Program& backward = plans.backward->recurrence->program();
    expect_products_of_states_alone(plans.forward->program());
    expect_products_of_states_alone(backward);
    EXPECT_EQ(backward.step.outputs.size(), is_float(cell.xs[0].dtype()) ? 1u : 0u);
    EXPECT_EQ(backward.step.sums.size(), plans.forward->step().invariants.size());
    expect_gradients_of_inputs_after_the_loop(backward);
  }
}

}  // namespace
}  // namespace rw::test
