// How workers share the columns of a step: who makes which, and where they wait for each other.
#include "rewind/autograd/engine/compile/column_split.h"

#include "autograd/engine/plans_of.h"
#include "rewind/autograd/explain.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/kernels/packed_product.h"

namespace rw::test {
namespace {

using engine::Columns;
using engine::Program;

// Units of whole panels, so that each gate can be shared.
const Index kUnits = 4 * kernels::panel_width<double>();

using Const = const Tensors&;

Results decaying_sum(Const x, Const s, Const) {
  const Tensor h = sigmoid(x[0]) * s[0] + x[0];
  return {{h}, {h}};
}

ScanCase a_case(decltype(ScanCase::step) step, std::size_t states, Index gates) {
  const Tensor h = numbers({B, kUnits}, 2);
  return {{numbers({T, B, kUnits}, 1)},
          Tensors(states, h),
          {numbers({kUnits, gates * kUnits}, 3), numbers({kUnits, gates * kUnits}, 4),
           numbers({gates * kUnits}, 5), numbers({gates * kUnits}, 6)},
          std::move(step)};
}

int waits(const Program& program) {
  int count = 0;
  for (std::size_t i = 0; i < program.loop.size(); i++) count += program.columns.waits(i);
  return count;
}

std::pair<int, int> waits(const ScanCase& c) {
  const Plans plans = plans_of(c);
  return {waits(plans.forward->program()), waits(plans.backward->recurrence->program())};
}

TEST(ColumnSplit, ProductsAreWaitedForWhatTheyReadAndNothingElse) {
  EXPECT_EQ(waits(a_case(lstm_of_two_products, 2, 4)), std::pair(1, 1));
  EXPECT_EQ(waits(a_case(gru_after, 1, 3)), std::pair(1, 1));
  EXPECT_EQ(waits(a_case(decaying_sum, 1, 1)), std::pair(0, 0));
}

TEST(ColumnSplit, EachColumnIsOneWorkers) {
  const Plans plans = plans_of(a_case(lstm_of_two_products, 2, 4));
  for (const Program* program :
       {&plans.forward->program(), &plans.backward->recurrence->program()}) {
    for (std::size_t i = 0; i < program->loop.size(); i++) {
      const auto whole = program->columns.of(i, {});
      ASSERT_EQ(whole.size(), 1u);
      for (const int workers : {2, 3, 4, 7}) {
        std::vector<int> makers(static_cast<std::size_t>(whole[0].end), 0);
        for (int worker = 0; worker < workers; worker++) {
          for (const Columns columns : program->columns.of(i, {worker, workers})) {
            for (Index k = columns.begin; k < columns.end; k++) {
              makers.at(static_cast<std::size_t>(k))++;
            }
          }
        }
        EXPECT_EQ(makers, std::vector<int>(makers.size(), 1)) << i << ", " << workers;
      }
    }
  }
}

// So that a gate is made by who reads it.
TEST(ColumnSplit, AWorkerHasTheSamePartOfEveryGate) {
  const Plans plans = plans_of(a_case(lstm_of_two_products, 2, 4));
  const Program& program = plans.forward->program();
  int products = 0;
  for (std::size_t i = 0; i < program.loop.size(); i++) {
    if (!std::holds_alternative<engine::ProductInstruction>(program.loop[i])) continue;
    products++;
    const auto second = program.columns.of(i, {1, 2});
    ASSERT_EQ(second.size(), 4u);
    for (Index gate = 0; gate < 4; gate++) {
      EXPECT_EQ(second[static_cast<std::size_t>(gate)].begin, gate * kUnits + kUnits / 2);
      EXPECT_EQ(second[static_cast<std::size_t>(gate)].end, (gate + 1) * kUnits);
    }
  }
  EXPECT_EQ(products, 1);
  EXPECT_EQ(program.columns.most_workers(), 4);
}

// Copies from buffer to buffer, all of one step.
Program copies(std::vector<engine::CopyInstruction> all) {
  Program program;
  for (int i = 0; i < 3; i++) {
    program.buffers.push_back({engine::Buffer::local, -1, float64, 4 * kUnits, true});
  }
  for (const engine::CopyInstruction& copy : all) program.loop.emplace_back(copy);
  program.columns = engine::ColumnSplit(program);
  return program;
}

TEST(ColumnSplit, AWorkerWaitsForColumnsThatItDoesNotMakeItself) {
  const auto second_waits = [](Index column, Index count) {
    return copies({{{0, 0}, {1, 0}, 2 * kUnits}, {{1, column}, {2, 0}, count}}).columns.waits(1);
  };
  EXPECT_FALSE(second_waits(0, 2 * kUnits));
  EXPECT_TRUE(second_waits(kUnits, 2 * kUnits));       // another half
  EXPECT_FALSE(second_waits(kUnits, kUnits));          // then all is in units of half as much
  EXPECT_TRUE(second_waits(kUnits / 2, kUnits));       // which are others
  EXPECT_FALSE(second_waits(2 * kUnits, 2 * kUnits));  // nobody made these
}

TEST(ColumnSplit, AWorkerWaitsToWriteWhatOthersStillRead) {
  const auto first_waits = [](Index column) {
    return copies({{{1, column}, {2, 0}, 2 * kUnits}, {{0, 0}, {1, 0}, 2 * kUnits}})
        .columns.waits(0);
  };
  EXPECT_FALSE(first_waits(0));
  EXPECT_TRUE(first_waits(kUnits));  // what the step before wrote
}

// One panel of a state is used by itself: in units of it a product would be one worker's.
TEST(ColumnSplit, UnitsOfOnePanelAreNotShared) {
  const auto step = [](Const x, Const s, Const w) -> Results {
    const Tensor h = tanh(x[0] + matmul(s[0], w[1]));
    const Tensor first = sigmoid(slice(h, 1, 0, kUnits / 4));
    return {{h}, {h, first}};
  };
  EXPECT_EQ(plans_of(a_case(step, 1, 1)).forward->program().columns.most_workers(), 4);
}

TEST(ColumnSplit, ALayerOfOnePanelIsOneWorkers) {
  const Index units = kernels::panel_width<float>();
  const Tensor w = zeros({units, units}, float32);
  const auto step = [&](const Tensor& x, const Tensor& h) { return tanh(x + matmul(h, w)); };
  const Threads scope(2);
  const Tensor x = zeros({4, 7, units}, float32);
  const std::string text = explain(step, concat({x, x, x, x, x, x, x, x}, 1), zeros({56, units}));
  EXPECT_NE(text.find("rows: 28 for each of 2 workers"), std::string::npos) << text;
  for (const Index batch : {15, 14, 7}) {
    const std::string few = explain(step, zeros({4, batch, units}), zeros({batch, units}));
    EXPECT_EQ(few.find("columns: shared"), std::string::npos) << few;
  }
}

}  // namespace
}  // namespace rw::test
