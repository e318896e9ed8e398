// Plans are found by what a step does, and by nothing else.
#include "rewind/autograd/engine/plans.h"

#include <gtest/gtest.h>

#include <bit>
#include <thread>

#include "rewind/autograd/rules.h"
#include "rewind/autograd/scan.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/reduction.h"
#include "support/compare.h"

namespace rw::engine {
namespace {

KnownStep known(double scale, Index features = 3, bool twice = false) {
  const Spec x{{2, features}};
  return known_step({trace({x, x},
                           [&](const std::vector<Tensor>& in) {
                             Tensor h = tanh(in[0] + scale * in[1]);
                             if (twice) h = tanh(h);
                             return std::vector<Tensor>{h, h};
                           }),
                     1, 1});
}

TEST(Plans, AreFoundByContent) {
  const Followed nobody{{}, {false}, false};
  const auto plan = plan_of(known(0.5), 2, nobody);
  EXPECT_EQ(plan_of(known(0.5), 2, nobody), plan);
  EXPECT_NE(plan_of(known(0.25), 2, nobody), plan);
  EXPECT_NE(plan_of(known(0.5, 4), 2, nobody), plan);
  EXPECT_NE(plan_of(known(0.5, 3, true), 2, nobody), plan);
  EXPECT_NE(plan_of(known(0.5), 2, {{}, {true}, true}), plan);
  EXPECT_EQ(plan_of(known(0.5), 2, nobody), plan);
}

TEST(Plans, AreFoundByTheirOptionsToo) {
  const Followed nobody{{}, {false}, false};
  const auto plan = plan_of(known(0.5), 2, nobody);
  PlanOptions options;
  options.program.fuse = false;
  std::shared_ptr<const Recurrence> other;
  {
    const PlanningWith scope(options);
    other = plan_of(known(0.5), 2, nobody);
    EXPECT_NE(other, plan);
    EXPECT_EQ(plan_of(known(0.5), 2, nobody), other);
    const PlanningWith as_always({});
    EXPECT_EQ(plan_of(known(0.5), 2, nobody), plan);
  }
  EXPECT_EQ(plan_of(known(0.5), 2, nobody), plan);
}

TEST(Plans, AreBoundedInNumber) {
  const Followed nobody{{}, {false}, false};
  const auto first = plan_of(known(1000), 2, nobody);
  for (std::size_t i = 0; i < kRememberedPlans + 10; i++) {
    plan_of(known(2000 + static_cast<double>(i)), 2, nobody);
    EXPECT_LE(remembered_plans(), kRememberedPlans);
  }
  EXPECT_NE(plan_of(known(1000), 2, nobody), first);  // forgotten, made anew
}

TEST(Plans, StepsAreBoundedInNumber) {
  const KnownStep first = known(3000);
  EXPECT_EQ(known(3000), first);
  for (std::size_t i = 0; i < kRememberedPlans + 10; i++) {
    const double scale = 4000 + static_cast<double>(i);
    EXPECT_EQ(known(scale), known(scale));
    EXPECT_LE(remembered_steps(), kRememberedPlans);
  }
  EXPECT_EQ(remembered_steps(), kRememberedPlans);
  EXPECT_NE(known(3000), first);  // forgotten, and known anew
}

// h' = tanh(h + x0 + 2 x1 + ...), of whose inputs any may have gradients that are asked for.
std::shared_ptr<const Recurrence> of_many_inputs(std::size_t inputs) {
  const Spec x{{2, 3}};
  const Trace traced = trace(std::vector<Spec>(inputs + 1, x), [&](const std::vector<Tensor>& in) {
    Tensor h = in.back();
    for (std::size_t i = 0; i < inputs; i++) h = h + static_cast<double>(i + 1) * in[i];
    h = tanh(h);
    return std::vector<Tensor>{h, h};
  });
  return plan_of(known_step({traced, inputs, 1}), 2, {{}, std::vector<bool>(inputs, true), true});
}

// Those of the inputs whose bits are set in a number.
Wanted wanted_of(const Recurrence& recurrence, std::size_t bits) {
  Wanted wanted = recurrence.wanted();
  for (std::size_t i = 0; i < wanted.inputs.size(); i++) wanted.inputs[i] = (bits >> i & 1) != 0;
  return wanted;
}

TEST(Plans, OfBackwardStepsAreBoundedInNumber) {
  const auto recurrence = of_many_inputs(6);
  const auto planned = [&](std::size_t bits) {
    return recurrence->backward(wanted_of(*recurrence, bits), false);
  };
  std::vector<std::weak_ptr<const PlannedBackward>> all;
  for (std::size_t bits = 0; bits < 64; bits++) {
    all.push_back(planned(bits));
    EXPECT_EQ(planned(0), all[0].lock()) << bits;  // asked for again and again, it stays
  }
  std::size_t remembered = 0;
  for (const auto& one : all) remembered += !one.expired();
  EXPECT_EQ(remembered, Recurrence::kRememberedBackward);
  EXPECT_FALSE(all[0].expired());
  EXPECT_TRUE(all[1].expired());
  EXPECT_FALSE(all[63].expired());
  EXPECT_EQ(planned(63), all[63].lock());
  EXPECT_EQ(planned(1)->recurrence->step().outputs.size(), 1u);  // made anew
}

TEST(Plans, OfBackwardStepsMayBeAskedForByManyThreads) {
  const auto recurrence = of_many_inputs(5);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (std::size_t i = 0; i < 4; i++) {
    threads.emplace_back([&, i] {
      for (std::size_t k = 0; k < 96; k++) {
        const std::size_t bits = (7 * i + k) % 32;
        const auto planned = recurrence->backward(wanted_of(*recurrence, bits), k % 2 == 0);
        const auto expected = static_cast<std::size_t>(std::popcount(bits));
        wrong[i] += planned->recurrence->own_outputs() != expected;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

// A cell whose field changes between calls.
TEST(Plans, FollowACellThatChanges) {
  double scale = 1;
  const auto step = [&](const Tensor& x, const Tensor& h) { return x + scale * h; };
  const Tensor x = ones({3, 2, 1}), h = zeros({2, 1});
  EXPECT_EQ(scan(step, x, h).final.span<float>()[0], 3);
  scale = 2;
  EXPECT_EQ(scan(step, x, h).final.span<float>()[0], 7);
}

// A rule that brings a number along, another one each time.
struct ByNumber {
  static constexpr std::string_view name = "by_number";
  static constexpr bool rowwise = true;
  static inline Tensor factor;
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const { copy_elements(x, y); }
  static void derivative(Rules<ByNumber> d) {
    d([](const Tensor& dy) { return dy * factor; });
  }
};

TEST(Plans, OfBackwardStepsDoNotRememberTheNumbersOfRules) {
  for (const double factor : {2.0, 3.0, 5.0}) {
    ByNumber::factor = full({1}, factor);
    Tape tape;
    const Tensor h0 = tape.watch(ones({1, 1}));
    const auto result = scan([](const Tensor& h) { return apply(ByNumber{}, h); }, 2, h0);
    EXPECT_EQ(tape.backward(sum(result.final))[h0].item(), factor * factor);
  }
  ByNumber::factor = {};
}

TEST(Plans, TellAWatchedHandleFromAConstantOneOfTheSameNumbers) {
  const auto gradient = [] {
    Tape tape;
    const Tensor constant = full({2, 2}, 0.3, float64), w = tape.watch(constant);
    const auto step = [&](const Tensor& h) { return tanh(matmul(h, constant) + matmul(h, w)); };
    const auto result = scan(step, 3, full({1, 2}, 0.5, float64));
    return tape.backward(sum(result.final))[w];
  };
  const Tensor planned = gradient();
  const PlainLoops plainly;
  EXPECT_LE(largest_difference(planned, gradient()), 1e-14);
}

TEST(Plans, MayBeAskedForByManyThreads) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (std::size_t i = 0; i < 4; i++) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 40; k++) {
        const double scale = 1 + k % 7;
        const auto step = [&](const Tensor& x, const Tensor& h) { return x + scale * h; };
        Tape tape;
        const Tensor x = tape.watch(ones({2, 2, 1}));
        const Tensor last = scan(step, x, zeros({2, 1})).final;
        const Gradients gradients = tape.backward({{last, ones({2, 1})}});
        wrong[i] += last.span<float>()[0] != 1 + scale;
        wrong[i] += gradients[x].span<float>()[0] != scale;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace rw::engine
