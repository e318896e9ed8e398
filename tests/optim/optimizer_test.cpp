// What all optimizers share: whom they change, whom they refuse, groups, sparse gradients.
#include "rewind/optim/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "optim/given.h"
#include "optim/plain_descent.h"
#include "rewind/autograd/tape.h"
#include "rewind/optim/adam.h"
#include "rewind/optim/sgd.h"

namespace rw::optim {
namespace {

struct Line {  // a module, as far as this floor knows one
  Parameter slope = parameter("slope", {2});
  Parameter shift = parameter("shift", {1});
  Tensor operator()(const Tensor& x) const {
    const Tensor y = Tensor(slope) * x;
    return y + Tensor(shift);
  }
};

TEST(Optimizer, StepsWhatTheTapeFound) {
  const Line line;
  SGD sgd(list(line.slope, line.shift), {.learning_rate = 0.1});
  Tape tape;
  sgd.step(tape.backward(line(numbers({3}))));
  EXPECT_DOUBLE_EQ(line.slope.value().item(), 2 - 0.1 * 3);
  EXPECT_DOUBLE_EQ(line.shift.value().item(), 1 - 0.1);
}

TEST(Optimizer, StepsARuleOfTheUser) {
  const Parameter p = parameter("p", {1, 1});
  PlainDescent(list(p)).step(given(p, {-3, 0.25}));
  EXPECT_EQ(values(p), (std::vector<double>{2.5, 0.875}));
}

TEST(Optimizer, RefusesAModelThatWasCopiedIntoALambda) {
  const Line line;
  SGD sgd(list(line.slope, line.shift));
  const auto loss = [line] { return line(numbers({3})); };
  Tape tape;
  const Gradients gradients = tape.backward(loss());
  EXPECT_EQ(
      message_of([&] { sgd.step(gradients); }),
      "sgd: step: no optimizer holds parameter 'slope' float64 [1], parameter 'shift' float64 "
      "[1], and there is a gradient; is the model or the list of parameters a copy, or a "
      "member left out of members()? freeze() what is not to change");
}

// A list that is passed along without being moved is copied, and so are its parameters.
TEST(Optimizer, RefusesTheFirstStepWhereItWasMadeOfACopiedList) {
  const Line line;
  const std::vector<Parameter> parameters = list(line.slope, line.shift);
  Adam adam(parameters);
  Tape tape;
  const Gradients gradients = tape.backward(line(numbers({3})));
  EXPECT_EQ(
      message_of<GradientError>([&] { adam.step(gradients); }),
      "adam: step: no optimizer holds parameter 'slope' float64 [1], parameter 'shift' float64 "
      "[1], and there is a gradient; is the model or the list of parameters a copy, or a member "
      "left out of members()? freeze() what is not to change");
  EXPECT_EQ(adam.steps(), 0);
}

TEST(Optimizer, RefusesAMemberLeftOutAndChangesNothing) {
  const Line line;
  SGD sgd(list(line.slope));
  Tape tape;
  const Gradients gradients = tape.backward(line(numbers({3})));
  EXPECT_TRUE(contains(message_of([&] { sgd.step(gradients); }), "parameter 'shift' float64 [1]"));
  EXPECT_EQ(line.slope.value().item(), 2);
  EXPECT_EQ(sgd.steps(), 0);
}

TEST(Optimizer, LeavesToAnotherWhatTheOtherHolds) {
  const Line line;
  SGD mine(list(line.slope), {.learning_rate = 0.1});
  SGD other(list(line.shift), {.learning_rate = 0.1});
  Tape tape;
  mine.step(tape.backward(line(numbers({3}))));
  EXPECT_EQ(line.shift.value().item(), 1);
}

TEST(Optimizer, LetsGoWhenItDies) {
  const Line line;
  SGD mine(list(line.slope));
  { SGD other(list(line.shift)); }
  EXPECT_THROW(mine.step(given(line.shift, {1})), GradientError);
}

TEST(Optimizer, HoldsOnThroughMoves) {
  const Parameter p = parameter("p", {1}), q = parameter("q", {1});
  SGD first(list(p), {.learning_rate = 1});
  SGD second = std::move(first);
  second.step(given(p, {0.5}));
  EXPECT_EQ(p.value().item(), 0.5);
  second = SGD(list(q));
  EXPECT_THROW(second.step(given(p, {1})), GradientError);
  EXPECT_NO_THROW(second.step(given(q, {1})));
}

TEST(Optimizer, FollowsAModelThatMoves) {
  Line line;
  SGD sgd(list(line.slope, line.shift), {.learning_rate = 1});
  const Line moved = std::move(line);
  Tape tape;
  sgd.step(tape.backward(moved(numbers({3}))));
  EXPECT_EQ(moved.slope.value().item(), -1);
}

TEST(Optimizer, NeitherRefusesNorChangesWhatIsFrozen) {
  Parameter held = parameter("held", {1}), other = parameter("other", {1});
  SGD sgd(list(held), {.learning_rate = 1});
  Gradients gradients = given(held, {1});
  give(gradients, other, numbers({1}));
  held.freeze();
  other.freeze();
  EXPECT_TRUE(sgd.step(gradients));
  EXPECT_EQ(held.value().item(), 1);
  held.unfreeze();
  sgd.step(gradients);
  EXPECT_EQ(held.value().item(), 0);
}

TEST(Optimizer, IgnoresWatchedTensors) {
  const Line line;
  SGD sgd(list(line.slope, line.shift));
  Tape tape;
  const Tensor x = tape.watch(numbers({3}));
  EXPECT_NO_THROW(sgd.step(tape.backward(line(x))));
}

TEST(Optimizer, DoesNotDecayWhatHasNoGradient) {
  const Parameter p = parameter("p", {1}), q = parameter("q", {1});
  SGD sgd(list(p, q), {.learning_rate = 0.5, .momentum = 0.5, .weight_decay = 0.5});
  sgd.step(given(q, {1}));
  sgd.step(given(p, {0}));
  EXPECT_EQ(p.value().item(), 0.75);
  EXPECT_EQ(q.value().item(), 0.25);  // its momentum waits as well
}

TEST(Optimizer, Bug36StepsTiedWeightsOnceWithTheSumOfTheirGradients) {
  const Parameter p = parameter("p", {1});
  const Parameter tied = p.tie();
  SGD sgd(list(p, tied), {.learning_rate = 0.125});
  Tape tape;
  sgd.step(tape.backward(Tensor(p) * 3 + Tensor(tied) * 4));
  EXPECT_EQ(p.value().item(), 1 - 0.125 * 7);
  EXPECT_EQ(sgd.state().count("sgd.steps.p"), 1u);
}

TEST(Optimizer, LeavesCopiesOfTheModelAlone) {
  const Line line;
  const Line best = line;
  SGD sgd(list(line.slope, line.shift), {.learning_rate = 1});
  sgd.step(given(line.slope, {5}));
  EXPECT_EQ(best.slope.value().item(), 2);
}

TEST(Optimizer, ThrowsAtANonFiniteGradientAndNamesIt) {
  const Parameter good = parameter("good", {1}), bad = parameter("bad", {1, 1});
  SGD sgd(list(good, bad));
  Gradients gradients = given(good, {1});
  give(gradients, bad, numbers({0, NAN}));
  EXPECT_EQ(message_of([&] { sgd.step(gradients); }),
            "sgd: step: not finite: the gradient of parameter 'bad' float64 [2]; lower the "
            "learning rate, clip, or set .skip_non_finite");
  EXPECT_EQ(good.value().item(), 1);
  EXPECT_EQ(sgd.skipped(), 0);
}

TEST(Optimizer, SkipsAndCountsNonFiniteGradientsWhenAsked) {
  const Parameter p = parameter("p", {1});
  SGD sgd(list(p), {.learning_rate = 1, .skip_non_finite = true});
  EXPECT_FALSE(sgd.step(given(p, {INFINITY})));
  EXPECT_TRUE(sgd.step(given(p, {0.5})));
  EXPECT_FALSE(sgd.step(given(p, {-NAN})));
  EXPECT_EQ(p.value().item(), 0.5);
  EXPECT_EQ(sgd.skipped(), 2);
  EXPECT_EQ(sgd.steps(), 1);
}

TEST(Optimizer, GroupsHaveDecayAndRateOfTheirOwn) {
  const Parameter weight = parameter("weight", {1}), bias = parameter("bias", {1});
  SGD sgd(list(weight, bias), {.learning_rate = 0.5, .weight_decay = 0.5});
  sgd.group([](std::string_view name) { return name == "bias"; }, {.weight_decay = 0});
  sgd.group([](std::string_view name) { return name == "weight"; }, {.learning_rate_scale = 0.5});
  Gradients gradients = given(weight, {1});
  give(gradients, bias, numbers({1}));
  sgd.step(gradients);
  EXPECT_EQ(weight.value().item(), 1 - 0.25 * 1.5);
  EXPECT_EQ(bias.value().item(), 0.5);
}

TEST(Optimizer, AGroupOfNobodyIsAnError) {
  const Parameter p = parameter("head.bias", {1});
  SGD sgd(list(p));
  EXPECT_EQ(message_of([&] { sgd.group([](auto name) { return name == "bias"; }, {}); }),
            "sgd: group: none of the 1 parameters belongs to it; the first is named 'head.bias'");
}

TEST(Optimizer, DecoupledDecayIsNoPartOfTheMomentum) {
  const Parameter p = parameter("p", {1});
  SGD sgd(list(p),
          {.learning_rate = 0.5, .momentum = 0.5, .weight_decay = 0.5, .decay = Decay::decoupled});
  sgd.step(given(p, {0}));
  sgd.step(given(p, {0}));
  EXPECT_EQ(p.value().item(), 0.75 * 0.75);
}

TEST(Optimizer, ReadsStridedGradients) {
  const Parameter p(zeros({2, 2}, float64), "p");
  const Tensor rows = from_span(std::vector<double>{1, 2, 3, 4}, {2, 2});
  Gradients gradients;
  give(gradients, p, rows.view({2, 2}, {1, 2}, 0));
  SGD(list(p), {.learning_rate = 1}).step(gradients);
  EXPECT_EQ(values(p), (std::vector<double>{-1, -3, -2, -4}));
}

TEST(Optimizer, AddsUpTermsThatWereKeptApart) {
  const Parameter p = parameter("p", {0});
  Gradients gradients;
  gradients.add(p, {p.spec(), {{numbers({1}), {}}, {numbers({2}), {}}, {numbers({4}), {}}}});
  const Tensor first = gradients.entries()[0].gradient.terms[0].values;
  SGD(list(p), {.learning_rate = 1}).step(gradients);
  EXPECT_EQ(p.value().item(), -7);
  EXPECT_EQ(first.item(), 1);
}

TEST(Optimizer, TakesGradientsThatStandOnALiveTape) {
  const Parameter p = parameter("p", {3});
  SGD sgd(list(p), {.learning_rate = 0.5, .momentum = 0.5});
  Tape tape;
  const Gradients gradients = tape.backward(Tensor(p) * Tensor(p), {.record = true});
  const std::size_t before = tape.size();
  sgd.step(gradients);
  EXPECT_EQ(p.value().item(), 0);
  EXPECT_EQ(tape.size(), before);
}

TEST(Optimizer, RefusesAValueThatALiveTapeWatchesAndChangesNothing) {
  Parameter first = parameter("first", {1}), watched = parameter("watched", {2});
  Adam adam(list(first, watched));
  Gradients gradients = given(first, {1});
  give(gradients, watched, numbers({1}));
  {
    Tape tape;
    tape.watch(watched.value());
    EXPECT_EQ(message_of<GradientError>([&] { adam.step(gradients); }),
              "adam: step: a live tape recorded the value of parameter 'watched' float64 [1]; step "
              "after the tape, or watch a copy");
    EXPECT_EQ(values(first), std::vector<double>{1});
    EXPECT_EQ(adam.steps(), 0);
    EXPECT_EQ(adam.state().count("adam.moment1.first"), 0u);
    watched.freeze();
    EXPECT_TRUE(adam.step(gradients));  // it is not to change
    watched.unfreeze();
  }
  EXPECT_TRUE(adam.step(gradients));
  EXPECT_LT(watched.value().item(), 2);
}

TEST(Optimizer, RefusesAValueOfWhichOnlyTheShapeIsKnownAndChangesNothing) {
  Parameter first = parameter("first", {1}), traced = parameter("traced", {2});
  SGD sgd(list(first, traced));
  Gradients gradients = given(first, {1});
  give(gradients, traced, numbers({1}));
  traced.value() = Tensor::shape_only(traced.spec());
  EXPECT_EQ(message_of<ValueError>([&] { sgd.step(gradients); }),
            "sgd: step: only the shape of parameter 'traced' float64 [1] is known; give it numbers "
            "first");
  EXPECT_EQ(values(first), std::vector<double>{1});
}

TEST(Optimizer, NoticesThatTheModelChangedItsType) {
  Parameter p = parameter("p", {1});
  SGD sgd(list(p), {.momentum = 0.5});
  sgd.step(given(p, {1}));
  p.value() = full({1}, 1, float32);
  Gradients gradients;
  give(gradients, p, full({1}, 1, float32));
  EXPECT_EQ(message_of([&] { sgd.step(gradients); }),
            "sgd: step: parameter 'p' float32 [1] was float64 [1] at the last step; make the "
            "optimizer after the model is converted");
}

TEST(Optimizer, RefusesGradientsOfAnotherModel) {
  Parameter p = parameter("p", {1}), q = parameter("q", {1});
  SGD sgd(list(p)), other(list(q));
  EXPECT_EQ(message_of([&] { sgd.step(given(q, {1})); }),
            "sgd: step: none of the 1 gradients is of a parameter that this optimizer holds; are "
            "they of another model?");
  EXPECT_THROW(sgd.step(Gradients{}), GradientError);
  EXPECT_EQ(sgd.steps(), 0);
  p.freeze();
  EXPECT_TRUE(sgd.step(given(q, {1})));  // nothing of its own is to change
}

}  // namespace
}  // namespace rw::optim
