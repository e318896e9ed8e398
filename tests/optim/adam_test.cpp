#include "rewind/optim/adam.h"

#include <gtest/gtest.h>

#include <cmath>

#include "optim/given.h"

namespace rw::optim {
namespace {

// The moments as sums over the whole past, not step by step.
double closed_form(double start, const std::vector<double>& gradients, const AdamOptions& o) {
  double p = start;
  for (std::size_t t = 1; t <= gradients.size(); t++) {
    double m = 0, v = 0;
    for (std::size_t i = 0; i < t; i++) {
      const auto age = static_cast<double>(t - 1 - i);
      m += (1 - o.beta1) * std::pow(o.beta1, age) * gradients[i];
      v += (1 - o.beta2) * std::pow(o.beta2, age) * gradients[i] * gradients[i];
    }
    const double mean = m / (1 - std::pow(o.beta1, static_cast<double>(t)));
    const double square = v / (1 - std::pow(o.beta2, static_cast<double>(t)));
    p = p * (1 - o.learning_rate * o.weight_decay) -
        o.learning_rate * mean / (std::sqrt(square) + o.epsilon);
  }
  return p;
}

const std::vector<double> kGradients{1, -0.5, 0.25, 2, -3, 0, 0.125, 1e-3, -1, 0.75};

// epsilon is added to the root, after the correction of the bias: 0.1 makes any other place show.
TEST(Adam, Bug34FollowsTheClosedFormWithALargeEpsilon) {
  const Parameter p = parameter("p", {0.5});
  const AdamOptions options{.learning_rate = 0.1, .epsilon = 0.1};
  Adam adam(list(p), options);
  for (double g : kGradients) adam.step(given(p, {g}));
  EXPECT_NEAR(p.value().item(), closed_form(0.5, kGradients, options), 1e-13);
}

TEST(AdamW, Bug34DecaysApartFromTheMoments) {
  const Parameter p = parameter("p", {0.5});
  const AdamOptions options{.learning_rate = 0.1, .epsilon = 0.1, .weight_decay = 0.3};
  AdamW adam(list(p), {.learning_rate = 0.1, .epsilon = 0.1, .weight_decay = 0.3});
  for (double g : kGradients) adam.step(given(p, {g}));
  EXPECT_NEAR(p.value().item(), closed_form(0.5, kGradients, options), 1e-13);
}

TEST(AdamW, DecaysByTheLearningRateOfTheGroup) {
  const Parameter p = parameter("p", {0.5}), q = parameter("q", {0.5});
  AdamW adam(list(p, q), {.learning_rate = 0.1, .epsilon = 0.1, .weight_decay = 0.3});
  adam.group([](std::string_view name) { return name == "q"; }, {.learning_rate_scale = 0.25});
  for (double g : kGradients) {
    Gradients gradients = given(p, {g});
    give(gradients, q, numbers({g}));
    adam.step(gradients);
  }
  const AdamOptions options{.learning_rate = 0.1, .epsilon = 0.1, .weight_decay = 0.3};
  AdamOptions slower = options;
  slower.learning_rate = 0.025;
  EXPECT_NEAR(p.value().item(), closed_form(0.5, kGradients, options), 1e-13);
  EXPECT_NEAR(q.value().item(), closed_form(0.5, kGradients, slower), 1e-13);
}

TEST(Adam, FirstStepIsTheLearningRateWhateverTheGradient) {
  const Parameter p = parameter("p", {0, 0, 0});
  Adam adam(list(p), {.learning_rate = 0.01, .epsilon = 0});
  adam.step(given(p, {1e-6, -3, 1e6}));
  EXPECT_NEAR(values(p)[0], -0.01, 1e-15);
  EXPECT_NEAR(values(p)[1], 0.01, 1e-15);
  EXPECT_NEAR(values(p)[2], -0.01, 1e-15);
}

// Bias correction belongs to the parameter: one that joins late begins at its own first step.
TEST(Adam, CountsTheStepsOfEachParameter) {
  const Parameter early = parameter("early", {0}), late = parameter("late", {0});
  Adam adam(list(early, late), {.learning_rate = 0.01, .epsilon = 0});
  for (int i = 0; i < 5; i++) adam.step(given(early, {1}));
  adam.step(given(late, {7}));
  EXPECT_NEAR(late.value().item(), -0.01, 1e-15);
}

TEST(Adam, Float32StaysNearFloat64) {
  const Parameter p = parameter("p", {0.5});
  const Parameter q(full({1}, 0.5, float32), "q");
  Adam adam(list(p, q), {.learning_rate = 0.1, .weight_decay = 0.01});
  for (double g : kGradients) {
    Gradients gradients = given(p, {g});
    give(gradients, q, full({1}, g, float32));
    adam.step(gradients);
  }
  EXPECT_NEAR(q.value().item(), p.value().item(), 1e-6);
}

TEST(Adam, RefusesOptionsOutsideTheirRange) {
  const Parameter p = parameter("p", {1});
  EXPECT_EQ(message_of([&] { Adam(list(p), {.beta2 = 1}); }),
            "adam: .beta2 is 1; it must be at least 0 and below 1");
  EXPECT_EQ(message_of([&] { AdamW(list(p), {.learning_rate = -1}); }),
            "adamw: .learning_rate is -1; it must be at least 0 and below inf");
  EXPECT_THROW(Adam(list(p), {.weight_decay = NAN}), ValueError);
  EXPECT_EQ(message_of([&] { Adam({}); }),
            "adam: there are no parameters; does the model list its members?");
}

}  // namespace
}  // namespace rw::optim
