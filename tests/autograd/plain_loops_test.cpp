// What other interpreters see of a scan in a PlainLoops scope, and without one.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <thread>

#include "autograd/engine/cells.h"
#include "rewind/nn/embedding.h"
#include "rewind/nn/lstm.h"
#include "rewind/nn/recurrent.h"
#include "rewind/tensor/interpreter.h"
#include "support/elements.h"

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

// Where no step counts for any row there is nothing but padding, which a table of 3 words does not
// have. Gradients are zeros, as those of a planned scan are.
TEST(PlainLoops, OfNoStepThatCountsAreThePlannedScan) {
  const Tensor tokens = full({T, B}, 9, int64), nan = full({T, B, 5}, std::nan(""), float64);
  const auto results = [&](bool reverse) {
    Tape tape;
    const Tensor table = tape.watch(numbers({3, 5}, 1)), w = tape.watch(numbers({H, H}, 2)),
                 h0 = tape.watch(numbers({B, H}, 3)), x = tape.watch(nan);
    const auto step = [&](const Tensors& in, const Tensor& h) {
      return tanh(nn::embedding(in[0], table) / sqrt(in[1]) + matmul(h, w));
    };
    const auto result = scan(step, Tensors{tokens, x}, h0,
                             {.lengths = {0, 0, 0}, .reverse = reverse, .states = true});
    const Gradients gradients = tape.backward(
        {{result.outputs, ones({T, B, H}, float64)}, {result.final, ones({B, H}, float64)}});
    return Tensors{result.outputs, result.final,  result.states, gradients[table],
                   gradients[w],   gradients[h0], gradients[x]};
  };
  for (const bool reverse : {false, true}) {
    const Tensors planned = results(reverse);
    const PlainLoops plainly;
    const Tensors plain = results(reverse);
    EXPECT_EQ(elements(plain[0]), elements(zeros({T, B, H})));
    EXPECT_EQ(elements(plain[1]), elements(numbers({B, H}, 3)));
    for (std::size_t i = 0; i < plain.size(); i++) {
      EXPECT_EQ(plain[i].spec(), planned[i].spec()) << i;
      EXPECT_EQ(elements(plain[i]), elements(planned[i])) << i;
    }
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
