// Plans are found by what a step does, and by nothing else.
#include "rewind/autograd/engine/plans.h"

#include <gtest/gtest.h>

#include <thread>

#include "rewind/autograd/scan.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/matmul.h"
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

// A cell whose field changes between calls.
TEST(Plans, FollowACellThatChanges) {
  double scale = 1;
  const auto step = [&](const Tensor& x, const Tensor& h) { return x + scale * h; };
  const Tensor x = ones({3, 2, 1}), h = zeros({2, 1});
  EXPECT_EQ(scan(step, x, h).final.span<float>()[0], 3);
  scale = 2;
  EXPECT_EQ(scan(step, x, h).final.span<float>()[0], 7);
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
