// Saving and restoring: to the same bits, or not at all.
#include <gtest/gtest.h>

#include <cmath>

#include "optim/given.h"
#include "rewind/optim/adam.h"
#include "rewind/optim/rmsprop.h"
#include "rewind/optim/sgd.h"

namespace rw::optim {
namespace {

struct Model {
  Parameter weight = parameter("weight", {1, -2});
  Parameter bias = parameter("bias", {0.5});
};

template <class O>
void train(O& optimizer, const Model& model, int from, int to) {
  for (int t = from; t < to; t++) {
    optimizer.set_learning_rate(0.01 / (t + 1));
    Gradients gradients = given(model.weight, {std::sin(t), 0.1 * std::cos(3 * t)});
    if (t % 3 == 2) give(gradients, model.bias, numbers({t == 8 ? NAN : 1.0 / (t + 1)}));
    optimizer.step(gradients);
  }
}

// `make` gives an optimizer of a model. Three resumes, as a run that is killed over and over.
template <class Make>
void expect_exact_resume(Make make) {
  const Model unbroken;
  auto optimizer = make(unbroken);
  train(optimizer, unbroken, 0, 20);

  Model model;
  State state;
  for (int t = 0; t < 20; t += 5) {
    const Model fresh = model;
    auto resumed = make(fresh);
    if (t > 0) resumed.load_state(state);
    train(resumed, fresh, t, t + 5);
    state = resumed.state();
    model = fresh;
  }
  EXPECT_EQ(values(model.weight), values(unbroken.weight));
  EXPECT_EQ(values(model.bias), values(unbroken.bias));
  const State expected = optimizer.state();
  ASSERT_EQ(state.size(), expected.size());
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(state.contains(name)) << name;
    if (tensor.dtype() == float64) {
      EXPECT_EQ(values(state[name]), values(tensor)) << name;
    } else {
      EXPECT_EQ(state[name].item(), tensor.item()) << name;
    }
  }
  EXPECT_EQ(
      expected.at(expected.begin()->first.substr(0, expected.begin()->first.find('.')) + ".skipped")
          .item(),
      1);
}

TEST(State, Bug40ResumesToTheSameBits) {
  expect_exact_resume([](const Model& m) {
    return SGD(list(m.weight, m.bias),
               {.momentum = 0.9, .nesterov = true, .skip_non_finite = true});
  });
  expect_exact_resume([](const Model& m) {
    return Adam(list(m.weight, m.bias), {.weight_decay = 0.1, .skip_non_finite = true});
  });
  expect_exact_resume(
      [](const Model& m) { return AdamW(list(m.weight, m.bias), {.skip_non_finite = true}); });
  expect_exact_resume([](const Model& m) {
    return RMSprop(list(m.weight, m.bias),
                   {.momentum = 0.5, .centered = true, .skip_non_finite = true});
  });
}

TEST(State, HasANameForEverything) {
  const Model model;
  Adam adam(list(model.weight, model.bias), {.learning_rate = 0.25});
  adam.step(given(model.weight, {1, 1}));
  std::vector<std::string> names;
  for (const auto& [name, tensor] : adam.state()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"adam.learning_rate", "adam.moment1.weight",
                                             "adam.moment2.weight", "adam.skipped", "adam.steps",
                                             "adam.steps.bias", "adam.steps.weight"}));
  EXPECT_EQ(adam.state()["adam.learning_rate"].item(), 0.25);
}

TEST(State, RestoresTheLearningRate) {
  const Model model;
  Adam from(list(model.weight), {.learning_rate = 0.25}), to(list(model.weight));
  to.load_state(from.state());
  EXPECT_EQ(to.learning_rate(), 0.25);
}

// A gradient that stays the same has no variance; rounding makes a little less than none of it.
TEST(RMSprop, CenteredTakesNoRootOfLessThanNothing) {
  for (const double g : {0.1, 0.3, 0.7, 1.1}) {
    const Parameter p = parameter("p", {0});
    RMSprop rmsprop(list(p), {.alpha = 0.5, .centered = true});
    for (int i = 0; i < 200; i++) rmsprop.step(given(p, {g}));
    EXPECT_TRUE(std::isfinite(p.value().item())) << g;
  }
}

TEST(State, IsASnapshot) {
  const Model model;
  SGD sgd(list(model.weight), {.momentum = 0.5});
  sgd.step(given(model.weight, {1, 1}));
  const State before = sgd.state();
  sgd.step(given(model.weight, {1, 1}));
  EXPECT_EQ(values(before.at("sgd.momentum.weight")), (std::vector<double>{1, 1}));
}

TEST(State, OfAnotherModelOrOptimizerIsRefusedAndNothingChanges) {
  const Model model;
  Adam adam(list(model.weight, model.bias));
  adam.step(given(model.weight, {1, 1}));
  const State good = adam.state();
  const auto refused = [&](const State& state) {
    const std::string message = message_of([&] { adam.load_state(state); });
    const State now = adam.state();
    EXPECT_EQ(now.size(), good.size());
    EXPECT_EQ(now.at("adam.steps").item(), 1);
    EXPECT_EQ(now.at("adam.learning_rate").item(), 1e-3);
    EXPECT_EQ(values(now.at("adam.moment1.weight")), values(good.at("adam.moment1.weight")));
    return message;
  };
  const std::string hint = "; is this the state of another model or optimizer?";

  State state = good;
  state.erase("adam.moment2.weight");
  EXPECT_EQ(refused(state), "adam: load_state: 'adam.moment2.weight' is missing" + hint);
  state = good;
  state["adam.moment1.weight"] = numbers({1, 2, 3});
  EXPECT_EQ(refused(state),
            "adam: load_state: 'adam.moment1.weight' is float64 [3], but float64 [2] is needed");
  state = good;
  state["adam.moment1.weight"] = zeros({2}, float32);
  EXPECT_EQ(refused(state),
            "adam: load_state: 'adam.moment1.weight' is float32 [2], but float64 [2] is needed");
  state = good;
  state["adam.moment1.other"] = numbers({1});
  EXPECT_EQ(
      refused(state),
      "adam: load_state: 'adam.moment1.other' belongs to nothing here, nor do 0 others" + hint);
  state = good;
  state["adam.steps.weight"] = full({}, -1, int64);
  EXPECT_EQ(refused(state), "adam: load_state: 'adam.steps.weight' is -1; it must be zero or more");
  state = good;
  state["adam.learning_rate"] = full({}, NAN, float64);
  EXPECT_EQ(refused(state), "adam: .learning_rate is nan; it must be at least 0 and below inf");
  EXPECT_EQ(refused(SGD(list(model.weight)).state()),
            "adam: load_state: 'adam.learning_rate' is missing" + hint);
}

TEST(State, WantsEachParameterToHaveANameOfItsOwn) {
  const Parameter a = parameter("same", {1}), b = parameter("same", {1}), c = parameter("", {1});
  EXPECT_EQ(message_of([&] { SGD(list(a, b)).state(); }),
            "sgd: two parameters are named 'same'; their state cannot be told apart");
  EXPECT_EQ(message_of([&] { SGD(list(c)).state(); }),
            "sgd: a parameter float64 [1] has no name; its state cannot be saved under one");
}

}  // namespace
}  // namespace rw::optim
