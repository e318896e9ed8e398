// Cross-entropy beyond what PyTorch defines: nothing to learn from, NaN in what is ignored, several
// leading axes, errors. (Values against PyTorch's: golden_test.cpp.)
#include "rewind/nn/loss/cross_entropy.h"

#include <limits>

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

TEST(CrossEntropy, Bug37RefusesTargetsOutOfRange) {
  EXPECT_ERROR(nn::cross_entropy(ones({2, 2, 3}), tensor({{0, 1}, {-4, 2}})), IndexError,
               "cross_entropy: target -4 at position 2 of targets [2, 2], but the logits float32 "
               "[2, 2, 3] have 3 classes; to ignore targets give them the ignore_index, -100");
  EXPECT_ERROR(nn::cross_entropy(ones({1, 3}), tensor({3}), {.ignore_index = 7}), IndexError,
               "cross_entropy: target 3 at position 0 of targets [1], but the logits float32 "
               "[1, 3] have 3 classes; to ignore targets give them the ignore_index, 7");
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
