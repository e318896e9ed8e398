// The derivative of a traced step, computed by replaying its graph, beside that of the tape.
#include "rewind/autograd/engine/derive/derive.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rewind/autograd/engine/step/replay.h"
#include "rewind/autograd/engine/trace/trace.h"
#include "rewind/autograd/tape.h"
#include "rewind/nn/elman.h"
#include "rewind/nn/gru.h"
#include "rewind/nn/lstm.h"
#include "rewind/nn/parameters.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/reduction.h"
#include "support/compare.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;
using Step = std::function<Tensors(const Tensors&)>;

Tensor numbers(const Dims& shape, double seed) {
  Tensor x = zeros(shape, float64);
  double k = seed;
  for (double& v : x.mutable_span<double>()) v = std::sin(k += 1.7);
  return x;
}

// What the graph of the derivative gives, and what the tape gives.
void expect_gradients_of_the_tape(const Step& step, const Tensors& arguments) {
  std::vector<Spec> specs;
  for (const Tensor& x : arguments) specs.push_back(x.spec());
  const Trace forward = trace(specs, step);
  const auto all_of = [](std::size_t count) { return std::vector<bool>(count, true); };
  const Derivative derivative =
      derive(forward.graph, forward.results, all_of(forward.results.size()),
             all_of(static_cast<std::size_t>(forward.graph.values())));
  EXPECT_TRUE(derivative.captured.empty());

  Tensors leaves = arguments;  // captured ones are leaves behind them, in order
  leaves.insert(leaves.end(), forward.captured_tensors.begin(), forward.captured_tensors.end());
  Tensors upstream;
  for (const ValueId y : forward.results)
    upstream.push_back(numbers(forward.graph.spec(y).shape, 5));
  leaves.insert(leaves.end(), upstream.begin(), upstream.end());
  const Tensors values = replay(derivative.graph, leaves);

  Tape tape;
  Tensors watched = arguments;
  for (Tensor& x : watched) tape.watch(x);
  std::vector<Upstream> roots;
  const Tensors results = step(watched);
  for (std::size_t i = 0; i < results.size(); i++) roots.push_back({results[i], upstream[i]});
  const Gradients expected = tape.backward(roots);
  for (std::size_t i = 0; i < watched.size(); i++) {
    const ValueId gradient = derivative.gradients[static_cast<std::size_t>(forward.arguments[i])];
    ASSERT_GE(gradient, 0) << i;
    EXPECT_LE(largest_difference(values[static_cast<std::size_t>(gradient)], expected[watched[i]]),
              1e-14)
        << i;
  }
}

template <class Cell>
Step step_of(const Cell& cell) {
  return [&cell](const Tensors& in) { return Tensors{cell.step(in[0], in[1])}; };
}

TEST(Derive, GivesTheGradientsOfTheTape) {
  Rng rng(1);
  nn::ElmanCell elman(3, 4, rng);
  nn::GRUCell before(3, 4, rng, {.reset = nn::GruReset::before_product});
  nn::GRUCell after(3, 4, rng);
  nn::LSTMCell lstm(3, 4, rng);
  nn::to(elman, float64), nn::to(before, float64), nn::to(after, float64), nn::to(lstm, float64);
  const Tensors two = {numbers({2, 3}, 1), numbers({2, 4}, 2)};
  expect_gradients_of_the_tape(step_of(elman), two);
  expect_gradients_of_the_tape(step_of(before), two);
  expect_gradients_of_the_tape(step_of(after), two);
  expect_gradients_of_the_tape(
      [&](const Tensors& in) {
        const nn::LSTMCell::State next = lstm.step(in[0], {in[1], in[2]});
        return Tensors{next.h, next.c};
      },
      {two[0], two[1], numbers({2, 4}, 3)});
}

TEST(Derive, IsNotSeenByTheTapeThatRecords) {
  Tape outer;
  const Tensor x = outer.watch(numbers({2, 3}, 1));
  const Trace step = trace({x.spec()}, [&](const Tensors& in) { return Tensors{in[0] * x}; });
  const std::size_t before = outer.size();
  const Derivative derivative = derive(step.graph, step.results, {true}, {true, true, false});
  EXPECT_EQ(outer.size(), before);
  EXPECT_GE(derivative.gradients[1], 0);
  EXPECT_EQ(Tape::current(), &outer);
}

TEST(Derive, GivesNoGradientWhereNoneIsAskedForOrArrives) {
  const Trace step = trace({Spec{{2}}, Spec{{2}}, Spec{{2}}}, [](const Tensors& in) {
    return Tensors{in[0] * 2, in[1] * 3};
  });
  const auto gradients = [&](const std::vector<bool>& arrives, std::vector<bool> wanted) {
    wanted.resize(static_cast<std::size_t>(step.graph.values()), false);
    return derive(step.graph, step.results, arrives, wanted).gradients;
  };
  EXPECT_GE(gradients({true, false}, {true, true, true})[0], 0);
  EXPECT_EQ(gradients({true, false}, {true, true, true})[1], -1);  // nothing arrives at its result
  EXPECT_EQ(gradients({true, false}, {true, true, true})[2], -1);  // it is not used
  EXPECT_EQ(gradients({true, true}, {false, true, true})[0], -1);
}

}  // namespace
}  // namespace rw::engine
