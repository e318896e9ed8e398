// Numbers of C++ that are others from call to call: part of no plan from their second value on.
#include <gtest/gtest.h>

#include "rewind/autograd/engine/plans.h"
#include "rewind/autograd/scan.h"
#include "rewind/autograd/stream.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/extrema.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/reduction.h"
#include "support/compare.h"
#include "support/message_of.h"

namespace rw::engine {
namespace {

struct Rates {
  double decay, shift, over, limit;
};

struct Answer {
  Tensor last, dx, dw, second;
};

Answer answer_of(const Rates& rates, const Tensor& x0, const Tensor& w0,
                 const ScanOptions<Tensor>& options = {}) {
  Tape tape;
  const Tensor x = tape.watch(x0), w = tape.watch(w0);
  const auto step = [&](const Tensor& x_t, const Tensor& h) {
    const Tensor decayed = rates.decay * h + rates.shift;
    return maximum(tanh(matmul(decayed, w) + x_t / rates.over), full({}, rates.limit, h.dtype())) *
           (1 - h);
  };
  const Tensor last = scan(step, x, zeros({x.dim(1), x.dim(2)}, x.dtype()), options).final;
  const Tensor loss = sum(last * last);
  const Gradients first = tape.backward(loss, {.record = true});
  const Tensor second = tape.backward(sum(first[w] * first[w]))[w];
  return {last, first[x], first[w], second};
}

void expect_equal(const Answer& a, const Answer& b) {
  EXPECT_LE(largest_difference(a.last, b.last), 1e-12);
  EXPECT_LE(largest_difference(a.dx, b.dx), 1e-12);
  EXPECT_LE(largest_difference(a.dw, b.dw), 1e-12);
  EXPECT_LE(largest_difference(a.second, b.second), 1e-12);
}

// 1, 0 and -0 are where an operation of a number does nothing.
const Rates kRates[] = {{0.5, 0.25, 2, -0.5}, {1, 0.25, 3, 0},  {0.25, 0, 2, 0.1},
                        {1, -0.0, 1, -1},     {-1, 0.5, -2, 0}, {0, 1, 0.5, -0.0},
                        {0.75, 2, 7, 0.2}};

TEST(ChangingNumbers, GiveWhatThePlainLoopGives) {
  Rng rng(3);
  const Tensor x = normal({4, 3, 5}, {.dtype = float64}, rng),
               w = 0.5 * normal({5, 5}, {.dtype = float64}, rng);
  for (const ScanOptions<Tensor>& options :
       {ScanOptions<Tensor>{}, ScanOptions<Tensor>{.lengths = {4, 0, 2}},
        ScanOptions<Tensor>{.reverse = true}}) {
    for (const Rates& rates : kRates) {
      const Answer planned = answer_of(rates, x, w, options);
      const PlainLoops plainly;
      expect_equal(planned, answer_of(rates, x, w, options));
    }
  }
}

TEST(ChangingNumbers, MakeNoNewPlans) {
  const Tensor x = ones({2, 1, 3});
  const auto known = [&](const auto& rate, float expected) {
    const auto step = [&](const Tensor& x_t, const Tensor& h) { return x_t + rate * h; };
    const NotedPlans noted;
    const Tensor last = scan(step, x, zeros({1, 3})).final;
    EXPECT_EQ(last.span<float>()[0], expected);
    return noted.all().at(0).step;
  };
  const auto sum_at = [&](double rate) { return known(rate, static_cast<float>(1 + rate)); };
  const KnownStep first = sum_at(0.5), second = sum_at(0.25);
  EXPECT_NE(first, second);
  for (const double rate : {0.125, 1.0, 0.0, -1.0, 3.0, 0.5}) EXPECT_EQ(sum_at(rate), second);
  // The same plan, but one that reads a tensor where the other reads a number.
  EXPECT_NE(known(full({}, 0.5), 1.5f), second);
}

TEST(ChangingNumbers, ThatBeginToDoSomethingAreSeen) {
  const auto last = [](double rate, double shift) {
    const auto step = [&](const Tensor& x_t, const Tensor& h) { return x_t + (rate * h + shift); };
    return scan(step, ones({2, 1, 3}), zeros({1, 3})).final.span<float>()[0];
  };
  EXPECT_EQ(last(1, 0.5), 1.5f + 1.5f);
  EXPECT_EQ(last(1, 0.25), 1.25f + 1.25f);
  EXPECT_EQ(last(2, 0.25), 1.25f * 2 + 1.25f);
  EXPECT_EQ(last(4, 8), 9.0f * 4 + 9.0f);
}

// A step that is another one at each run would else lose what did nothing the first time.
TEST(ChangingNumbers, OfAStepThatCountsItsRunsAreNotLost) {
  double rate = 1;
  const auto step = [&](const Tensor& h) { return rate *= 2, h * rate; };
  for (int call = 0; call < 4; call++) {
    const double last = scan(step, 1, ones({1, 1})).final.item();
    EXPECT_EQ(last, rate);
  }
}

TEST(ChangingNumbers, ThatTheirDtypeCannotHoldAreRefused) {
  const auto next = [](double number) {
    const auto step = [&](const Tensor& h) { return h + number; };
    return scan(step, 2, full({1}, 5, int64)).final;
  };
  EXPECT_EQ(next(1).span<std::int64_t>()[0], 7);
  EXPECT_EQ(next(2).span<std::int64_t>()[0], 9);
  EXPECT_EQ(next(3).span<std::int64_t>()[0], 11);
  EXPECT_NE(message_of([&] { next(0.5); }).find("affine"), std::string::npos);
  EXPECT_EQ(next(4).span<std::int64_t>()[0], 13);
}

TEST(ChangingNumbers, OfTwoCellsThatTakeTurns) {
  const auto decay = [](double rate) {
    return [rate](const Tensor& x_t, const Tensor& h) { return x_t - rate * h; };
  };
  const auto slow = decay(0.125), fast = decay(0.5);
  const Tensor x = ones({2, 2, 1}), h = zeros({2, 1});
  for (int turn = 0; turn < 5; turn++) {
    EXPECT_EQ(scan(slow, x, h).final.span<float>()[1], 0.875f);
    EXPECT_EQ(scan(fast, x, h).final.span<float>()[1], 0.5f);
  }
}

TEST(ChangingNumbers, BesideRandomOnesLeaveTheDrawsAsTheyAre) {
  const auto run = [](double rate) {
    const Random seeded(7);
    const auto step = [&](const Tensor& h) { return rate * h + uniform(h.shape()); };
    return scan(step, 3, zeros({2, 2})).final;
  };
  for (const double rate : {0.5, 0.25, 0.75, 0.5}) {
    const Tensor planned = run(rate);
    const PlainLoops plainly;
    EXPECT_LE(largest_difference(planned, run(rate)), 1e-6);
  }
}

TEST(ChangingNumbers, AreTakenUpByAStreamThatLooksAnew) {
  double rate = 0.5;
  const auto step = [&](const Tensor& x_t, const Tensor& h) { return x_t + rate * h; };
  auto stream = rw::stream(step, ones({1, 1}), zeros({1, 1}));
  const float one = 1;
  float y = 0;
  const auto next = [&] {
    stream.refresh();
    stream.step(std::span(&one, 1), std::span(&y, 1));
    return y;
  };
  EXPECT_EQ(next(), 1);
  rate = 2;
  EXPECT_EQ(next(), 3);
  rate = 4;
  EXPECT_EQ(next(), 13);
  EXPECT_EQ(next(), 53);
}

}  // namespace
}  // namespace rw::engine
