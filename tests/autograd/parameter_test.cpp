// A parameter as a value with an identity: what copies, moves and ties mean.
#include "rewind/autograd/parameter.h"

#include <gtest/gtest.h>

#include "rewind/autograd/tape.h"
#include "rewind/tensor/creation.h"
#include "support/elements.h"

namespace rw {
namespace {

Parameter number(double value) { return Parameter(full({1}, value, float64), "p"); }

struct Model {
  Parameter a = number(2), b = number(3);
  Tensor operator()(double x) const { return a * x + b; }
};

static_assert(!std::is_convertible_v<const Parameter&, Parameter>, "passing along never copies");
static_assert(std::is_copy_constructible_v<Model> && std::is_copy_assignable_v<Model>);
static_assert(std::is_nothrow_move_constructible_v<Parameter>);

TEST(Parameter, CopiesShareNumbersUntilOneIsWritten) {
  const Parameter p = number(2);
  Parameter copy(p);
  EXPECT_TRUE(copy.value().shares_storage_with(p.value()));
  copy.value().mutable_span<double>()[0] = 5;
  EXPECT_EQ(p.value().item(), 2);
  EXPECT_EQ(copy.value().item(), 5);
  EXPECT_NE(copy.id(), p.id());
  EXPECT_EQ(copy.name(), "p");
  EXPECT_FALSE(copy.is_tied_to(p));
}

TEST(Parameter, AssignmentMakesAnIndependentCopyToo) {
  Model model;
  Model best;
  best = model;
  model.a.value().mutable_span<double>()[0] = 9;
  EXPECT_EQ(best.a.value().item(), 2);
  const Model& same = best;
  best = same;
  EXPECT_EQ(best.a.value().item(), 2);
}

TEST(Parameter, AVectorOfCopiesHoldsIndependentModels) {
  const Model model;
  std::vector<Model> ensemble(3, model);
  ensemble[1].a.value().mutable_span<double>()[0] = 7;
  EXPECT_EQ(ensemble[0](1).item(), 5);
  EXPECT_EQ(ensemble[1](1).item(), 10);
  EXPECT_EQ(model(1).item(), 5);
}

TEST(Parameter, MovesKeepTheIdentityAndLeaveNothing) {
  Parameter p = number(2);
  const std::uint64_t id = p.id();
  Parameter moved = std::move(p);
  EXPECT_EQ(moved.id(), id);
  EXPECT_FALSE(p.defined());
  EXPECT_ERROR(p.value(), ValueError,
               "parameter: this one holds nothing (default-constructed or moved from)");
}

TEST(Parameter, GradientsOfACopyAreNotThoseOfTheOriginal) {
  const Model model;
  const auto loss = [model] { return model(4); };  // a copy, as lambdas make them
  Tape tape;
  const Gradients gradients = tape.backward(loss());
  EXPECT_EQ(gradients.find(model.a), nullptr);
  EXPECT_ERROR(gradients[model.a], GradientError,
               "gradients: parameter 'p' float64 [1] had no part in that tape; was it watched, is "
               "it frozen, or a copy of the one that was used?");
}

TEST(Parameter, TiesHaveOneGradientTheSum) {
  const Parameter p = number(3);
  const Parameter same = p.tie();
  EXPECT_TRUE(same.is_tied_to(p));
  EXPECT_EQ(same.id(), p.id());
  Tape tape;
  const Gradients gradients = tape.backward(p * 2 + same * Tensor(p));
  EXPECT_EQ(gradients.entries().size(), 1u);
  EXPECT_EQ(gradients[same].item(), 2 + 2 * 3);
}

TEST(Parameter, CopiesOfTwoTiedOnesAreTwo) {
  Model model;
  model.b = model.a.tie();
  const Model copy(model);
  EXPECT_FALSE(copy.a.is_tied_to(copy.b));
}

TEST(Parameter, FrozenIsAConstant) {
  Model model;
  model.a.freeze();
  Tape tape;
  const Gradients gradients = tape.backward(model(4));
  EXPECT_EQ(gradients.find(model.a), nullptr);
  EXPECT_EQ(gradients[model.b].item(), 1);
  const Parameter copy(model.a);
  EXPECT_TRUE(copy.frozen());
  model.a.unfreeze();
  const Gradients again = tape.backward(model(4));
  EXPECT_EQ(again[model.a].item(), 4);
}

TEST(Parameter, WhereAllAreFrozenThereIsNothingToRewind) {
  Model model;
  model.a.freeze();
  model.b.freeze();
  Tape tape;
  EXPECT_ERROR(
      tape.backward(model(4)), GradientError,
      "backward: this float64 [1] was not computed under this tape, or from nothing that "
      "the tape follows, as it follows no frozen parameter, or by an operation that has no "
      "gradient to pass on (floor, argmax); make the tape first, watch the inputs or "
      "unfreeze parameters, and compute on its thread");
}

TEST(Parameter, IsOnTheTapeEvenWhereNoGradientReachesIt) {
  const Model model;
  Tape tape;
  const Tensor unused = model(4);
  const Gradients gradients = tape.backward(model.a * 2);
  EXPECT_EQ(gradients.find(model.b), nullptr);
  EXPECT_EQ(gradients[model.b].item(), 0);
}

TEST(Parameter, ThatHoldsAWatchedValueIsKnownByIt) {
  Tape tape;
  const Parameter start = number(2);
  const Parameter watched(tape.watch(Tensor(start * 3)));
  const Parameter unreached(tape.watch(Tensor(start * 5)));
  const Gradients gradients = tape.backward(watched * 4);
  EXPECT_EQ(gradients[watched].item(), 4);
  EXPECT_EQ(gradients[unreached].item(), 0);
  EXPECT_EQ(gradients[start].item(), 12);
}

TEST(Parameter, HoldsFloatsOnly) {
  EXPECT_ERROR(Parameter(zeros({2}, int64)), DtypeError,
               "parameter: takes float32 or float64, got int64 [2]; keep other tensors as buffers");
}

}  // namespace
}  // namespace rw
