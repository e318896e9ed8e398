// A step is followed through a trace that is known: all of it, and nothing beside it.
#include "rewind/autograd/engine/trace/follow.h"

#include <gtest/gtest.h>

#include "rewind/tensor/creation.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/unary.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;

const std::vector<Spec> kOne = {Spec{{2, 3}}};

Trace known(const StepFunction& step) { return trace_as_written(kOne, step); }

TEST(Follow, GivesWhatTheStepCaptured) {
  const Tensor w = ones({3, 3}), other = zeros({3, 3});
  const auto step = [](const Tensor& weight) {
    return [&weight](const Tensors& in) { return Tensors{matmul(in[0], weight)}; };
  };
  const Following following = follow(known(step(w)), step(other));
  ASSERT_TRUE(following.same);
  ASSERT_EQ(following.captured.size(), 1u);
  EXPECT_TRUE(same_tensor(following.captured[0], other));
}

TEST(Follow, LosesAStepThatEndsEarlier) {
  const auto step = [](bool reads_more) {
    return [reads_more](const Tensors& in) {
      const Tensor y = square(in[0]);
      if (reads_more) (void)square(y);
      return Tensors{y};
    };
  };
  EXPECT_TRUE(follow(known(step(true)), step(true)).same);
  EXPECT_FALSE(follow(known(step(true)), step(false)).same);
  EXPECT_FALSE(follow(known(step(false)), step(true)).same);
}

TEST(Follow, LosesAStepThatGivesAnotherOfItsValues) {
  const auto step = [](bool last) {
    return [last](const Tensors& in) {
      const Tensor y = square(in[0]), z = square(y);
      return Tensors{last ? z : y};
    };
  };
  EXPECT_FALSE(follow(known(step(true)), step(false)).same);
}

// Numbers that no operation of the step draws.
TEST(Follow, LosesAStepThatDrawsMore) {
  const Random same(3);
  const auto step = [](bool draws) {
    return [draws](const Tensors& in) {
      const Tensor y = square(in[0]);
      if (draws) {
        const Rng now = Random::state();
        Random::set_state(Rng(now.seed(), now.draw() + 1));
      }
      return Tensors{y};
    };
  };
  const Trace quiet = known(step(false)), drawing = known(step(true));
  EXPECT_TRUE(follow(drawing, step(true)).same);
  const Rng before = Random::state();
  EXPECT_FALSE(follow(quiet, step(true)).same);
  EXPECT_EQ(Random::state(), before);
  EXPECT_FALSE(follow(drawing, step(false)).same);
}

}  // namespace
}  // namespace rw::engine
