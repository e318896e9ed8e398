// What a step computes under Pause is a constant, in a planned scan as in a plain loop.
#include <gtest/gtest.h>

#include "rewind/autograd/explain.h"
#include "rewind/autograd/scan.h"
#include "rewind/autograd/stop_gradient.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/reduction.h"
#include "support/compare.h"

namespace rw {
namespace {

struct Answer {
  Tensor last, dx, dw, second;
};

using Step = std::function<Tensor(const Tensor& x, const Tensor& h, const Tensor& w)>;

Answer answer_of(const Step& step, const ScanOptions<Tensor>& options) {
  Rng rng(5);
  Tape tape;
  Tensor x = normal({4, 3, 5}, {.dtype = float64}, rng);
  Tensor w = 0.5 * normal({5, 5}, {.dtype = float64}, rng);
  tape.watch(x);
  tape.watch(w);
  const Tensor h0 = 0.1 * ones({3, 5}, float64);
  const auto one_step = [&](const Tensor& x_t, const Tensor& h) { return step(x_t, h, w); };
  const Tensor last = scan(one_step, x, h0, options).final;
  const Gradients first = tape.backward(sum(last * last), {.record = true});
  const Tensor penalty = sum(first[w] * first[w]) + sum(first[x] * first[x]);
  return {last, first[x], first[w], tape.backward(penalty)[w]};
}

void expect_those_of_the_plain_loop(const Step& step, bool with_lengths = true) {
  for (const ScanOptions<Tensor>& options :
       {ScanOptions<Tensor>{}, ScanOptions<Tensor>{.lengths = {4, 0, 2}},
        ScanOptions<Tensor>{.reverse = true}}) {
    if (!options.lengths.empty() && !with_lengths) continue;
    for (int call = 0; call < 2; call++) {  // traced, and followed
      const Answer planned = answer_of(step, options);
      const PlainLoops plainly;
      const Answer plain = answer_of(step, options);
      EXPECT_LE(largest_difference(planned.last, plain.last), 1e-12);
      EXPECT_LE(largest_difference(planned.dx, plain.dx), 1e-12);
      EXPECT_LE(largest_difference(planned.dw, plain.dw), 1e-12);
      EXPECT_LE(largest_difference(planned.second, plain.second), 1e-12);
    }
  }
}

TEST(PausedSteps, PassNoGradientThroughAGate) {
  expect_those_of_the_plain_loop([](const Tensor& x, const Tensor& h, const Tensor& w) {
    Tensor gate;
    {
      const Pause pause;
      gate = sigmoid(matmul(h, w) + x);
    }
    return gate * tanh(matmul(h, w) + x);
  });
}

TEST(PausedSteps, TellTheSameValueWithAndWithoutAGradient) {
  expect_those_of_the_plain_loop([](const Tensor& x, const Tensor& h, const Tensor& w) {
    const Tensor y = tanh(matmul(h, w) + x);
    const Pause pause;
    return y;  // computed before
  });
  expect_those_of_the_plain_loop([](const Tensor& x, const Tensor& h, const Tensor& w) {
    const auto make = [&] { return tanh(matmul(h, w) + x); };
    const Tensor known = make();
    Tensor constant;
    {
      const Pause pause;
      constant = make() * known;
    }
    return constant * known;
  });
}

// Straight through: rounded on the way forward, left as it is on the way back.
TEST(PausedSteps, MayRoundAndPassTheGradientStraightThrough) {
  expect_those_of_the_plain_loop([](const Tensor& x, const Tensor& h, const Tensor& w) {
    const Tensor y = tanh(matmul(h, w) + x);
    Tensor correction;
    {
      const Pause pause;
      correction = to(greater(y, 0), float64) - y;
    }
    return y + correction;
  });
}

TEST(PausedSteps, MayScanInsideOfThem) {
  expect_those_of_the_plain_loop(
      [](const Tensor& x, const Tensor& h, const Tensor& w) {
        const auto inner = [&](const Tensor& g) { return tanh(matmul(g, w)); };
        Tensor constant;
        {
          const Pause pause;
          constant = scan(inner, 2, h).final;
        }
        return tanh(constant + scan(inner, 2, h).final + x);
      },
      false);
}

TEST(PausedSteps, AreTracedAnewWhereTheTapeGoesOn) {
  bool paused = true;
  const Step step = [&](const Tensor& x, const Tensor& h, const Tensor& w) {
    std::optional<Pause> pause;
    if (paused) pause.emplace();
    const Tensor z = matmul(h, w);
    pause.reset();
    return tanh(z + x);
  };
  for (const bool now : {true, false, true}) {
    paused = now;
    expect_those_of_the_plain_loop(step);
  }
}

TEST(PausedSteps, StayOnTheFastPath) {
  const Tensor w = zeros({4, 4});
  const auto step = [&](const Tensor& x, const Tensor& h) {
    const Tensor z = matmul(h, w) + x;
    return stop_gradient(sigmoid(z)) * tanh(z);
  };
  const std::string text = explain(step, zeros({3, 2, 4}), zeros({2, 4}));
  EXPECT_NE(text.find("no work    %4 = stop_gradient(%3) [2, 4]"), std::string::npos) << text;
  EXPECT_EQ(text.find("ordinary"), std::string::npos) << text;
}

}  // namespace
}  // namespace rw
