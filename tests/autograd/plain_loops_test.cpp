// What other interpreters see of a scan in a PlainLoops scope, and without one.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>

#include "autograd/engine/cells.h"
#include "rewind/nn/lstm.h"
#include "rewind/nn/recurrent.h"
#include "rewind/tensor/interpreter.h"

namespace rw::test {
namespace {

using Counts = std::map<std::string, Index>;

struct Counter final : Interpreter {
  Counts calls;
  void run(Call& call) override {
    calls[std::string(call.type.name)]++;
    hand_down(call);
  }
};

template <class F>
Counts operations_of(F f) {
  Counter counter;
  f();
  return counter.calls;
}

// Without what a loop uses for itself, as it takes inputs and stacks outputs.
Counts without_the_loops_own(Counts counts) {
  for (const char* name : {"slice", "select", "reshape", "stack", "full"}) {
    counts.erase(name);
  }
  return counts;
}

Counts times(Counts counts, Index factor) {
  for (auto& [name, count] : counts) count *= factor;
  return counts;
}

TEST(PlainLoops, ShowEveryOperationOfEveryStep) {
  const Tensors xs = inputs(), initial = states({H, H});
  const auto step = [](const Tensors& x, const Tensors& s) {
    return lstm_of_two_products(x, s, kLstm);
  };
  const Counts of_a_step = without_the_loops_own(operations_of([&] { step({xs[0][0]}, initial); }));
  ASSERT_EQ(of_a_step.at("matmul"), 2);
  ASSERT_EQ(of_a_step.at("tanh"), 2);
  ASSERT_EQ(of_a_step.at("sigmoid"), 3);
  for (const bool reverse : {false, true}) {
    const PlainLoops plainly;
    const Counts of_all = operations_of([&] { scan(step, xs, initial, {.reverse = reverse}); });
    EXPECT_EQ(without_the_loops_own(of_all), times(of_a_step, T));
  }
}

TEST(PlainLoops, AreSeenByTheTapeStepByStep) {
  const auto recorded = [] {
    Tape tape;
    const Tensor w = tape.watch(numbers({H, H}, 1));
    scan([&](const Tensor& h) { return tanh(matmul(h, w)); }, 50, numbers({B, H}, 2));
    return tape.size();
  };
  EXPECT_LT(recorded(), 10u);
  const PlainLoops plainly;
  EXPECT_GE(recorded(), 100u);
}

TEST(PlainLoops, ShowEveryOperationOfEveryStepOfALayer) {
  Rng rng(1);
  constexpr Index kLayers = 2;
  const nn::LSTMCell cell(2, 3, rng);
  const nn::Recurrent<nn::LSTMCell> layer(
      {.input = 2, .hidden = 3, .layers = kLayers, .bidirectional = true}, rng);
  const Tensor x = zeros({T, B, 2});
  const Counts of_a_step = operations_of([&] { cell.step(x[0], cell.initial(B)); });
  const auto run = [&] { layer(x); };
  const PlainLoops plainly;
  const Counts of_all = operations_of(run);
  for (const char* name : {"matmul", "tanh", "sigmoid"}) {
    EXPECT_EQ(of_all.at(name), 2 * kLayers * T * of_a_step.at(name)) << name;
  }
}

TEST(PlainLoops, EndWithTheirScopeAndMayStandInEachOther) {
  const auto count = [] {
    return operations_of([] { scan([](const Tensor& h) { return tanh(h); }, 5, zeros({2, 3})); });
  };
  EXPECT_EQ(count().count("tanh"), 0u);
  {
    const PlainLoops plainly;
    {
      const PlainLoops again;
      EXPECT_EQ(count().at("tanh"), 5);
    }
    EXPECT_EQ(count().at("tanh"), 5);
  }
  EXPECT_EQ(count().count("tanh"), 0u);
}

TEST(PlainLoops, LeaveOtherThreadsAlone) {
  const auto count = [] {
    return operations_of([] { scan([](const Tensor& h) { return tanh(h); }, 5, zeros({2, 3})); });
  };
  const PlainLoops plainly;
  Counts elsewhere;
  std::thread([&] { elsewhere = count(); }).join();
  EXPECT_EQ(elsewhere.count("tanh"), 0u);
  EXPECT_GT(elsewhere.size(), 0u);
  EXPECT_EQ(count().at("tanh"), 5);
}

}  // namespace
}  // namespace rw::test
