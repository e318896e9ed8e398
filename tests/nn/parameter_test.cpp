// The silent mistakes that a model made of values invites, with the layers of the library: each is
// either right or refused.
#include <gtest/gtest.h>

#include "nn/differences.h"
#include "rewind/autograd/gradcheck.h"
#include "rewind/nn/linear.h"
#include "rewind/nn/loss.h"
#include "rewind/nn/lstm.h"
#include "rewind/nn/parameters.h"
#include "rewind/nn/recurrent.h"
#include "rewind/optim/sgd.h"
#include "support/elements.h"

namespace rw::test {
namespace {

struct Model {
  nn::Recurrent<nn::LSTMCell> memory;
  nn::Linear head;

  explicit Model(std::uint64_t seed = 1) : Model(Rng(seed)) {}
  Tensor operator()(const Tensor& x) const { return head(memory(x).last); }
  static void members(auto& self, auto&& visit) {
    visit("memory", self.memory);
    visit("head", self.head);
  }

 private:
  explicit Model(Rng rng) : memory({.input = 2, .hidden = 3}, rng), head(3, 1, rng) {
    nn::to(*this, float64);
  }
};

struct Forgetful : Model {  // one that leaves out a member
  using Model::Model;
  static void members(auto& self, auto&& visit) { visit("memory", self.memory); }
};

struct Weighted {
  Parameter weight;
  nn::Linear head;
  static void members(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("head", self.head);
  }
};

Tensor input() { return wave({4, 2, 2}); }
Tensor loss_of(const Model& model) { return mean(model(input()) * model(input())); }

void descend(const Model& model, optim::SGD& sgd) {
  Tape tape;
  sgd.step(tape.backward(loss_of(model)));
}

TEST(ModelsAreValues, ALayerCopiedIntoALambdaIsRefusedByTheOptimizer) {
  Model model;
  optim::SGD sgd(nn::parameters(model), {.learning_rate = 0.1});
  const auto loss = [head = model.head, &model] {  // head is a copy
    return mean(head(model.memory(input()).last));
  };
  Tape tape;
  const Gradients gradients = tape.backward(loss());
  EXPECT_ERROR(
      sgd.step(gradients), GradientError,
      "sgd: step: no optimizer holds parameter 'head.weight' float64 [1, 3], parameter 'head.bias' "
      "float64 [1], and there is a gradient; is the model or the list of parameters a copy, or "
      "a member left out of members()? freeze() what is not to change");
}

TEST(ModelsAreValues, AMemberLeftOutIsRefusedByTheOptimizer) {
  Forgetful model;
  optim::SGD sgd(nn::parameters(model), {.learning_rate = 0.1});
  EXPECT_ERROR(descend(model, sgd), GradientError,
               "sgd: step: no optimizer holds parameter '(unnamed)' float64 [1, 3], parameter "
               "'(unnamed)' float64 [1], and there is a gradient; is the model or the list "
               "of parameters a copy, or a member left out of members()? freeze() what is not to "
               "change");
}

TEST(ModelsAreValues, TheBestSoFarStaysWhatItWas) {
  Model model;
  optim::SGD sgd(nn::parameters(model), {.learning_rate = 0.1});
  const Model best = model;
  const auto before = elements(best(input()));
  descend(model, sgd);
  EXPECT_EQ(elements(best(input())), before);
  EXPECT_NE(elements(model(input())), before);
  model = best;  // and the way back: the optimizer's parameters were replaced
  EXPECT_EQ(elements(model(input())), before);
  EXPECT_THROW(descend(model, sgd), GradientError);
}

TEST(ModelsAreValues, MembersOfAnEnsembleLearnApart) {
  std::vector<Model> ensemble(3, Model());
  optim::SGD sgd(nn::parameters(ensemble[1]), {.learning_rate = 0.1});
  const auto before = elements(ensemble[0](input()));
  descend(ensemble[1], sgd);
  EXPECT_EQ(elements(ensemble[0](input())), before);
  EXPECT_EQ(elements(ensemble[2](input())), before);
  EXPECT_NE(elements(ensemble[1](input())), before);
}

TEST(ModelsAreValues, AMovedModelIsStillTheOneThatTheOptimizerHolds) {
  Model model;
  optim::SGD sgd(nn::parameters(model), {.learning_rate = 0.1});
  const Model moved = std::move(model);
  const auto before = elements(moved(input()));
  descend(moved, sgd);
  EXPECT_NE(elements(moved(input())), before);
}

// The copy brings its name, "head.weight", which looks like its path "weight" from further outside.
TEST(ModelsAreValues, ACopiedParameterAndItsOriginalHaveNamesOfTheirOwn) {
  Rng rng(1);
  Weighted model{Parameter(ones({1, 3})), nn::Linear(3, 1, rng)};
  nn::parameters(model.head);
  nn::parameters(model);
  model.weight = model.head.weight;
  const optim::SGD sgd(nn::parameters(model), {.learning_rate = 0.1});
  EXPECT_EQ(model.weight.name(), "weight");
  EXPECT_EQ(model.head.weight.name(), "head.weight");
  EXPECT_TRUE(sgd.state().contains("sgd.steps.head.weight"));
}

TEST(ModelsAreValues, TiedWeightsLearnAsOne) {
  Rng rng(1);
  nn::Linear first(3, 3, rng), second(3, 3, rng);
  second.weight = first.weight.tie();
  const Tensor x = ones({1, 3});
  Tape tape;
  const Gradients gradients = tape.backward(sum(second(first(x))));
  EXPECT_EQ(gradients.entries().size(), 3u);
  const Pause pause;
  std::vector<Parameter> all = variables({&first.weight, &first.bias, &second.bias});
  optim::SGD(std::move(all), {.learning_rate = 1}).step(gradients);
  EXPECT_EQ(elements(second.weight.value()), elements(first.weight.value()));
}

// The loss after a step of descent, as a function of the weights before it: its gradient needs
// second derivatives of the whole layer.
TEST(ModelsAreValues, AStepOfDescentCanItselfBeDifferentiated) {
  const Model model;
  std::vector<Tensor> weights;
  for (const Parameter& p : nn::parameters(model)) weights.push_back(p.value());
  const auto loss_after_a_step = [&](const std::vector<Tensor>& start) {
    std::size_t next = 0;
    const Model functional =
        nn::map_parameters(model, [&](const Parameter&) { return start.at(next++); });
    const auto stepped = [&](Tape& tape) {
      const Gradients inner = tape.backward(loss_of(functional), {.record = true});
      return loss_of(
          nn::map_parameters(functional, [&](const Parameter& p) { return p - inner[p] * 0.5; }));
    };
    if (Tape* tape = Tape::current()) return stepped(*tape);
    Tape own;
    return stepped(own);
  };
  EXPECT_TRUE(gradcheck(loss_after_a_step, weights));
}

}  // namespace
}  // namespace rw::test
