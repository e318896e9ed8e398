#include "rewind/optim/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "optim/given.h"
#include "rewind/optim/sgd.h"

namespace rw::optim {
namespace {

TEST(StepWise, MultipliesAfterEveryFewSteps) {
  const StepWise schedule{.rate = 8, .every = 3, .factor = 0.5};
  EXPECT_EQ(schedule(0), 8);
  EXPECT_EQ(schedule(2), 8);
  EXPECT_EQ(schedule(3), 4);
  EXPECT_EQ(schedule(8), 2);
  EXPECT_EQ(schedule(9), 1);
}

TEST(Cosine, FallsFromTheRateToTheMinimumAndStaysThere) {
  const Cosine schedule{.rate = 3, .steps = 8, .minimum = 1};
  EXPECT_DOUBLE_EQ(schedule(0), 3);
  EXPECT_DOUBLE_EQ(schedule(2), 2 + std::sqrt(0.5));
  EXPECT_DOUBLE_EQ(schedule(4), 2);
  EXPECT_DOUBLE_EQ(schedule(6), 2 - std::sqrt(0.5));
  EXPECT_DOUBLE_EQ(schedule(7), 2 - std::cos(std::numbers::pi / 8));
  EXPECT_EQ(schedule(8), 1);
  EXPECT_EQ(schedule(1000), 1);
}

TEST(WarmUp, RisesToTheFirstRateOfWhatFollows) {
  const WarmUp schedule{.steps = 4, .then = StepWise{.rate = 8, .every = 2, .factor = 0.5}};
  EXPECT_EQ(schedule(0), 2);
  EXPECT_EQ(schedule(1), 4);
  EXPECT_EQ(schedule(3), 8);
  EXPECT_EQ(schedule(4), 8);  // step 0 of what follows
  EXPECT_EQ(schedule(5), 8);
  EXPECT_EQ(schedule(6), 4);
}

TEST(WarmUp, OfNoStepsIsWhatFollows) {
  EXPECT_EQ((WarmUp{.steps = 0, .then = Constant{.rate = 0.5}})(0), 0.5);
}

TEST(Schedules, RefuseWhatMakesNoSense) {
  EXPECT_EQ(message_of([] { Constant{}(-1); }), "constant: the step is -1; steps count from 0");
  EXPECT_EQ(message_of([] { StepWise{.every = 0}(0); }),
            "step_wise: .every is 0; it must be one or more");
  EXPECT_EQ(message_of([] { Cosine{.steps = -2}(0); }),
            "cosine: .steps is -2; it must be one or more");
  EXPECT_EQ(message_of([] { Constant{.rate = -2}(0); }),
            "constant: .rate is -2; it must be at least 0 and below inf");
  EXPECT_EQ(message_of([] { StepWise{.rate = -1}(0); }),
            "step_wise: .rate is -1; it must be at least 0 and below inf");
  EXPECT_EQ(message_of([] { StepWise{.factor = NAN}(0); }),
            "step_wise: .factor is nan; it must be at least 0 and below inf");
  EXPECT_EQ(message_of([] { Cosine{.rate = INFINITY}(0); }),
            "cosine: .rate is inf; it must be at least 0 and below inf");
  EXPECT_EQ(message_of([] { Cosine{.minimum = -5}(0); }),
            "cosine: .minimum is -5; it must be at least 0 and below inf");
  EXPECT_THROW((WarmUp{.steps = -1})(0), ValueError);
  EXPECT_THROW((WarmUp{.steps = 1, .then = nullptr})(0), ValueError);
}

// The first step has the first rate: no rate is used twice or left out.
TEST(Schedules, DriveAnOptimizerByItsCountOfSteps) {
  const Parameter p = parameter("p", {0});
  const Schedule schedule = StepWise{.rate = 1, .every = 1, .factor = 0.5};
  SGD sgd(list(p));
  std::vector<double> path;
  for (int i = 0; i < 3; i++) {
    sgd.set_learning_rate(schedule(sgd.steps()));
    sgd.step(given(p, {-1}));
    path.push_back(p.value().item());
  }
  EXPECT_EQ(path, (std::vector<double>{1, 1.5, 1.75}));
}

}  // namespace
}  // namespace rw::optim
