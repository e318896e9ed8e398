// Cross-entropy beyond what PyTorch defines: nothing to learn from, NaN in what is ignored, several
// leading axes, errors. (Values against PyTorch's: golden_test.cpp.)
#include "rewind/nn/loss/cross_entropy.h"

#include <limits>
#include <optional>

#include "nn/differences.h"
#include "rewind/tensor/rounding.h"
#include "support/elements.h"

namespace rw {
namespace {

using test::wave;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(CrossEntropy, TakesAnyLeadingAxes) {
  const Tensor logits = wave({3, 2, 4});
  const Tensor targets = tensor({{0, 1}, {2, 3}, {1, 0}});
  const Tensor losses = nn::cross_entropy(logits, targets, {.reduction = nn::Reduction::none});
  EXPECT_EQ(losses.shape(), (Dims{3, 2}));
  const Tensor flat = nn::cross_entropy(reshape(logits, {6, 4}), reshape(targets, {6}));
  EXPECT_NEAR(nn::cross_entropy(logits, targets).item(), flat.item(), 1e-15);
  const Tensor one = nn::cross_entropy(logits[1][0], scalar(2, int64));
  EXPECT_NEAR(one.item(), losses[1][0].item(), 1e-15);
}

TEST(CrossEntropy, HasRightGradients) {
  const Parameter logits(wave({2, 3, 4}), "logits");
  const Tensor targets = tensor({{0, 3, -100}, {1, 1, 2}});
  const Tensor weight = tensor({0.5, 2.0, 1.0, 3.0}, float64);
  for (const nn::Reduction reduction :
       {nn::Reduction::mean, nn::Reduction::sum, nn::Reduction::none}) {
    test::expect_gradients(
        [&] {
          return nn::cross_entropy(
              logits, targets, {.label_smoothing = 0.2, .weight = weight, .reduction = reduction});
        },
        test::variables({&logits}));
  }
  const Parameter probabilities(abs(wave({2, 3, 4}, 5)), "probabilities");
  test::expect_gradients(
      [&] { return nn::cross_entropy(logits, probabilities, {.label_smoothing = 0.2}); },
      test::variables({&logits, &probabilities}));
}

TEST(CrossEntropy, HasRightSecondDerivatives) {
  const Parameter logits(wave({3, 4}), "logits");
  const Tensor targets = tensor({0, -100, 2});
  const auto loss = [&] { return nn::cross_entropy(logits, targets); };
  test::expect_gradients([&] { return test::gradient_of(loss, logits); },
                         test::variables({&logits}));
}

// Whether the rule of cross_entropy wrote its result over the logits.
struct InPlace final : Interpreter {
  std::optional<bool> seen;
  void run(Call& call) override {
    if (call.type.name != "cross_entropy_backward") return hand_down(call);
    const double* logits = call.inputs[0]->data<double>();
    hand_down(call);
    seen = call.outputs[0].data<double>() == logits;
  }
};

TEST(CrossEntropy, WritesTheGradientInPlaceOfLogitsThatNobodyElseHolds) {
  for (const bool held : {false, true}) {
    const InPlace in_place;
    Tape tape;
    const Tensor x = tape.watch(wave({2, 3}));
    Tensor logits = x * x;
    const Tensor loss = nn::cross_entropy(logits, tensor({0, 2}));
    const std::vector<double> before = elements(logits);
    if (!held) logits = Tensor();
    tape.backward(loss);
    EXPECT_EQ(in_place.seen, !held);
    if (held) {
      EXPECT_EQ(elements(logits), before);
    }
  }
}

TEST(CrossEntropy, Bug37IsZeroWhenEveryTargetIsIgnored) {
  Tape tape;
  const Tensor logits = tape.watch(wave({2, 3}));
  const Tensor loss = nn::cross_entropy(logits, full({2}, -100, int64));
  EXPECT_EQ(loss.item(), 0);
  EXPECT_EQ(elements(tape.backward(loss)[logits]), std::vector<double>(6, 0));
  EXPECT_EQ(nn::cross_entropy(zeros({0, 3}), zeros({0}, int64)).item(), 0);
  EXPECT_EQ(nn::cross_entropy(zeros({0, 3}), zeros({0, 3})).item(), 0);
}

TEST(CrossEntropy, Bug37RefusesTargetsOutOfRange) {
  EXPECT_ERROR(nn::cross_entropy(ones({2, 2, 3}), tensor({{0, 1}, {-4, 2}})), IndexError,
               "cross_entropy: target -4 at position 2 of targets [2, 2], but the logits float32 "
               "[2, 2, 3] have 3 classes; to ignore targets give them the ignore_index, -100");
  EXPECT_ERROR(nn::cross_entropy(ones({1, 3}), tensor({3}), {.ignore_index = 7}), IndexError,
               "cross_entropy: target 3 at position 0 of targets [1], but the logits float32 "
               "[1, 3] have 3 classes; to ignore targets give them the ignore_index, 7");
}

TEST(CrossEntropy, DoesNotLookAtTheLogitsOfIgnoredTargets) {
  Tape tape;
  const Tensor logits = tape.watch(tensor({{1.0, 2.0}, {kNan, kInfinity}}, float64));
  const Tensor loss = nn::cross_entropy(logits, tensor({0, -1}), {.ignore_index = -1});
  EXPECT_NEAR(loss.item(), std::log1p(std::exp(1)), 1e-15);
  const std::vector<double> gradient = elements(tape.backward(loss)[logits]);
  EXPECT_EQ(gradient[2], 0);
  EXPECT_EQ(gradient[3], 0);
}

TEST(CrossEntropy, LetsClassesBeRuledOutOnBothSides) {
  Tape tape;
  const Tensor logits = tape.watch(tensor({{-kInfinity, 0.0, 0.0}}, float64));
  const Tensor loss = nn::cross_entropy(logits, tensor({{0.0, 0.25, 0.75}}, float64));
  EXPECT_NEAR(loss.item(), std::log(2), 1e-15);
  const std::vector<double> gradient = elements(tape.backward(loss)[logits]);
  EXPECT_EQ(gradient[0], 0);
  EXPECT_NEAR(gradient[1], 0.25, 1e-15);
}

TEST(CrossEntropy, SaysWhatDoesNotFit) {
  const Tensor logits = ones({2, 3});
  EXPECT_ERROR(nn::cross_entropy(logits, tensor({0, 1, 2})), ShapeError,
               "cross_entropy: logits float32 [2, 3] want classes [2] or probabilities [2, 3], got "
               "targets int64 [3]");
  EXPECT_ERROR(
      nn::cross_entropy(logits, ones({2})), ShapeError,
      "cross_entropy: logits float32 [2, 3] want probabilities of their shape, got targets "
      "float32 [2]");
  EXPECT_ERROR(
      nn::cross_entropy(logits, ones({2, 3}, float64)), DtypeError,
      "cross_entropy: logits float32 [2, 3] want probabilities of their dtype, got targets "
      "float64 [2, 3]");
  EXPECT_ERROR(nn::cross_entropy(logits, zeros({2}, boolean)), DtypeError,
               "cross_entropy: targets must be int64 classes, or probabilities of the logits' "
               "dtype, got bool [2]");
  EXPECT_ERROR(nn::cross_entropy(tensor({{1, 2}}), tensor({0})), DtypeError,
               "cross_entropy: logits must be float32 or float64, got int64 [1, 2]");
  EXPECT_ERROR(nn::cross_entropy(zeros({2, 0}), tensor({0, 0})), ShapeError,
               "cross_entropy: logits must be [..., classes] with a class or more, got float32 "
               "[2, 0]");
  EXPECT_ERROR(nn::cross_entropy(logits, tensor({0, 1}), {.label_smoothing = 2}), ValueError,
               "cross_entropy: label_smoothing is 2; it lies in [0, 1]");
  EXPECT_ERROR(nn::cross_entropy(logits, tensor({0, 1}), {.weight = ones({2})}), ShapeError,
               "cross_entropy: logits float32 [2, 3] want weights float32 [3], one per class, got "
               "float32 [2]");
}

}  // namespace
}  // namespace rw
