// What becomes of cells in their plans: how much is kept for the way back, and how much runs at
// every step. Printed as a table, and held to what the plans of these cells are known to reach.
#include <gtest/gtest.h>

#include <cstdio>

#include "autograd/engine/cells.h"
#include "rewind/autograd/engine/plans.h"

namespace rw::test {
namespace {

struct Expected {
  const char* name;
  Tensors initial, weights;
  decltype(ScanCase::step) step;
  Index kept;                        // numbers for each step and row, beside inputs and outputs
  // Element-wise instructions in the loop. Four of the way back of an LSTM copy: the gradients of
  // gates go over the gates when these have been read.
  std::size_t forward, backward;
  std::size_t products, products_b;  // packed products in the loop
  std::size_t ordinary = 0, ordinary_b = 0;
};

struct Count {
  std::size_t elements = 0, products = 0, ordinary = 0;

  explicit Count(const engine::Program& program) {
    for (const engine::Instruction& instruction : program.loop) {
      if (const auto* e = std::get_if<engine::ElementInstruction>(&instruction)) {
        elements += e->program.instructions.size();
      }
      products += std::holds_alternative<engine::ProductInstruction>(instruction);
      ordinary += std::holds_alternative<engine::OrdinaryInstruction>(instruction);
    }
  }
};

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

std::vector<Expected> table() {
  const Dims gate{I + H, H}, bias{H}, wide{4 * H};
  return {
      {"elman", states({H}), kSimple, elman, 0, 1, 4, 1, 1},
      {"lstm", states({H, H}), kLstm, lstm_of_two_products, 5 * H, 8, 23, 1, 1},
      {"lstm of concat", states({H, H}), weights({{I + H, 4 * H}, wide}), lstm_of_concat, 5 * H, 8,
       23, 1, 1},
      {"lstm of four gates", states({H, H}),
       weights({gate, gate, gate, gate, bias, bias, bias, bias}), lstm_of_four_gates, 5 * H, 8, 23,
       1, 1},
      {"gru before", states({H}), weights({{I, 3 * H}, {H, 2 * H}, {H, H}, {3 * H}}), gru_before,
       3 * H, 8, 13, 2, 2},
      {"gru after", states({H}), weights({{I, 3 * H}, {H, 3 * H}, {3 * H}, {3 * H}}), gru_after,
       4 * H, 10, 16, 1, 1},
      {"minimal gated", states({H}), weights({gate, bias, gate, bias}), minimal_gated, 2 * H, 6, 15,
       2, 2},
      {"peephole", states({H, H}), weights({{I, 4 * H}, {H, 4 * H}, wide, bias, bias, bias}),
       peephole, 5 * H, 11, 25, 1, 1},
      {"residual", states({H}), weights({gate, bias, {H, H}}), residual, H, 2, 5, 2, 2},
      {"head inside", states({H}), weights({{I, H}, {H, H}, {H}, {H, V}, {V}}), head_inside, H, 1,
       4, 1, 1},
  };
}

TEST(PlanTable, CellsComeOutAsTheyShould) {
  std::printf("%-20s %5s %9s %9s %9s\n", "cell", "kept", "elements", "products", "ordinary");
  for (const Expected& expected : table()) {
    SCOPED_TRACE(expected.name);
    engine::Traced traced{{}, 1, expected.initial.size()};
    std::vector<Spec> specs{{{B, I}, float64}};
    for (const Tensor& s : expected.initial) specs.push_back(s.spec());
    traced.trace = engine::trace(specs, [&](const Tensors& in) {
      auto [next, outputs] =
          expected.step({in[0]}, Tensors(in.begin() + 1, in.end()), expected.weights);
      next.insert(next.end(), outputs.begin(), outputs.end());
      return next;
    });
    const engine::Followed all{std::vector<bool>(traced.trace.captured.size(), true), {true}, true};
    const auto forward = engine::plan_of(engine::known_step(traced), B, all);
    engine::Wanted wanted;
    wanted.invariants.assign(forward->step().invariants.size(), true);
    wanted.inputs = {true};
    wanted.outputs.assign(forward->step().outputs.size(), false);
    wanted.outputs[0] = true;
    const auto backward = forward->backward(wanted, false);

    const Count f(forward->program()), b(backward->recurrence->program());
    const Index kept = kept_numbers(*forward);
    std::printf("%-20s %5ld %4zu %4zu %4zu %4zu %4zu %4zu\n", expected.name,
                static_cast<long>(kept), f.elements, b.elements, f.products, b.products, f.ordinary,
                b.ordinary);
    EXPECT_EQ(kept, expected.kept);
    EXPECT_LE(f.elements, expected.forward);
    EXPECT_LE(b.elements, expected.backward);
    EXPECT_EQ(f.products, expected.products);
    EXPECT_EQ(b.products, expected.products_b);
    EXPECT_EQ(f.ordinary, expected.ordinary);
    EXPECT_EQ(b.ordinary, expected.ordinary_b);
    EXPECT_TRUE(backward->recurrence->program().fates.accumulated.empty() ||
                expected.name == std::string("peephole"));
  }
}

}  // namespace
}  // namespace rw::test
