// Losses over time with lengths.
#include "rewind/nn/loss/sequence.h"

#include <limits>

#include "nn/differences.h"
#include "rewind/nn/loss/cross_entropy.h"
#include "support/elements.h"

namespace rw {
namespace {

TEST(SequenceLoss, CountsTheStepsOfEachSequence) {
  EXPECT_EQ(elements(nn::sequence_mask(3, {2, 0, 3})),
            (std::vector<double>{1, 0, 1, 1, 0, 1, 0, 0, 1}));
  const Tensor losses = tensor({{1.0, 2.0, 3.0}, {10.0, 20.0, 30.0}, {100.0, 200.0, 300.0}});
  EXPECT_EQ(elements(nn::sum_over_time(losses, {2, 0, 3})), (std::vector<double>{11, 0, 333}));
  EXPECT_EQ(elements(nn::mean_over_time(losses, {2, 0, 3})), (std::vector<double>{5.5, 0, 111}));
}

TEST(SequenceLoss, KeepsTheAxesBehindTheBatch) {
  const Tensor losses = test::wave({4, 2, 3});
  const Tensor means = nn::mean_over_time(losses, {1, 4});
  EXPECT_EQ(means.shape(), (Dims{2, 3}));
  EXPECT_EQ(means[0][1].item(), losses[0][0][1].item());
}

TEST(SequenceLoss, EqualsEachSequenceAlone) {
  const Tensor logits = test::wave({4, 3, 5});
  const Tensor targets = tensor({{0, 1, 2}, {3, 4, 0}, {1, 2, 3}, {4, 0, 1}});
  const std::vector<Index> lengths{4, 1, 2};
  const Tensor sums = nn::sum_over_time(
      nn::cross_entropy(logits, targets, {.reduction = nn::Reduction::none}), lengths);
  for (Index row = 0; row < 3; row++) {
    const Index length = lengths[static_cast<std::size_t>(row)];
    const Tensor alone = nn::cross_entropy(slice(select(logits, 1, row), 0, 0, length),
                                           slice(select(targets, 1, row), 0, 0, length),
                                           {.reduction = nn::Reduction::sum});
    EXPECT_NEAR(sums[row].item(), alone.item(), 1e-14);
  }
}

TEST(SequenceLoss, DoesNotLookAtThePadding) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Tape tape;
  const Tensor losses = tape.watch(tensor({{1.0, 2.0}, {nan, 3.0}}));
  const Tensor loss = sum(nn::mean_over_time(losses, {1, 2}));
  EXPECT_EQ(loss.item(), 3.5);
  EXPECT_EQ(elements(tape.backward(loss)[losses]), (std::vector<double>{1, 0.5, 0, 0.5}));
}

TEST(SequenceLoss, HasRightGradients) {
  const Parameter losses(test::wave({3, 2, 2}), "losses");
  test::expect_gradients(
      [&] {
        return nn::mean_over_time(losses, {1, 3});
      },
      test::variables({&losses}));
}

TEST(SequenceLoss, SaysWhatDoesNotFit) {
  EXPECT_ERROR(nn::sequence_mask(3, {1, 4}), IndexError,
               "sequence_mask: length 4 of row 1 lies outside [0, 3], the steps there are");
  EXPECT_ERROR(nn::sum_over_time(ones({3, 2}), {1}), ShapeError,
               "sum_over_time: losses must be [time, batch, ...] with a length for each row of the "
               "batch, got float32 [3, 2] and 1 lengths");
}

}  // namespace
}  // namespace rw
