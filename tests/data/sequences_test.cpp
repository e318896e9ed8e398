#include "rewind/data/sequences.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "rewind/autograd/tape.h"
#include "rewind/data/shuffle.h"
#include "rewind/tensor/creation.h"

namespace rw {
namespace {

using Sequences = std::vector<std::vector<Index>>;

template <class T>
std::vector<T> values_of(const Tensor& tensor) {
  const auto span = tensor.span<T>();
  return {span.begin(), span.end()};
}

Tensor counting(const Dims& shape, float start) {
  Tensor tensor = Tensor::uninitialized({shape, float32});
  for (float& value : tensor.mutable_span<float>()) value = start++;
  return tensor;
}

TEST(PadSequences, StandSideBySideWithTimeFirst) {
  const Padded padded = pad_sequences(Sequences{{1, 2, 3}, {}, {4}}, -100);
  EXPECT_EQ(padded.values.shape(), (Dims{3, 3}));
  EXPECT_EQ(values_of<Index>(padded.values),
            (std::vector<Index>{1, -100, 4, 2, -100, -100, 3, -100, -100}));
  EXPECT_EQ(padded.lengths, (std::vector<Index>{3, 0, 1}));
}

TEST(PadSequences, TakesTheRowsOfABatchInTheirOrder) {
  const Sequences sequences{{1, 2, 3}, {5}, {6, 7}};
  const Padded padded = pad_sequences(sequences, std::vector<Index>{2, 1, 2}, 0);
  EXPECT_EQ(values_of<Index>(padded.values), (std::vector<Index>{6, 5, 6, 7, 0, 7}));
  EXPECT_EQ(padded.lengths, (std::vector<Index>{2, 1, 2}));
  EXPECT_THROW(pad_sequences(sequences, std::vector<Index>{3}, 0), IndexError);
}

TEST(PadSequences, Bug21NothingAndEmptySequencesAreLegal) {
  EXPECT_EQ(pad_sequences(Sequences{}, 0).values.shape(), (Dims{0, 0}));
  EXPECT_EQ(pad_sequences(Sequences{{}, {}}, 0).values.shape(), (Dims{0, 2}));
}

TEST(PadSequences, PadsSeriesOfFeatures) {
  const Tensor longer = counting({2, 2}, 1);
  const Tensor view = counting({2, 1}, 8).view({1, 2}, {1, 1}, 0);  // strided: [[8, 9]]
  const Padded padded = pad_sequences(std::vector<Tensor>{view, longer}, -1);
  EXPECT_EQ(padded.values.shape(), (Dims{2, 2, 2}));
  EXPECT_EQ(values_of<float>(padded.values), (std::vector<float>{8, 9, 1, 2, -1, -1, 3, 4}));
  EXPECT_EQ(padded.lengths, (std::vector<Index>{1, 2}));
}

TEST(PadSequences, PassesGradientsOnToWhatTheSeriesWereComputedFrom) {
  Tape tape;
  const Tensor x = tape.watch(counting({1, 2}, 1)), y = tape.watch(counting({3, 2}, 5));
  const Padded padded = pad_sequences(std::vector<Tensor>{x * 2, y * 3}, 0);
  const Gradients gradients = tape.backward({{padded.values, counting({3, 2, 2}, 0)}});
  EXPECT_EQ(values_of<float>(gradients[x]), (std::vector<float>{0, 2}));
  EXPECT_EQ(values_of<float>(gradients[y]), (std::vector<float>{6, 9, 18, 21, 30, 33}));
}

TEST(PadSequences, PadsSeriesOfAnyDtype) {
  const std::vector<Tensor> whole{full({1}, 7, int64), full({2}, 8, int64), zeros({0}, int64)};
  EXPECT_EQ(values_of<Index>(pad_sequences(whole, -1).values),
            (std::vector<Index>{7, 8, -1, -1, 8, -1}));
  const std::vector<Tensor> truths{full({1}, true, boolean), full({2}, false, boolean)};
  EXPECT_EQ(values_of<bool>(pad_sequences(truths, 1).values),
            (std::vector<bool>{true, false, true, false}));
}

TEST(PadSequences, SeriesMustAgree) {
  const Tensor x = counting({2, 2}, 1);
  EXPECT_THROW(pad_sequences(std::vector<Tensor>{}, 0), ShapeError);
  EXPECT_THROW(pad_sequences(std::vector<Tensor>{counting({}, 1)}, 0), ShapeError);
  EXPECT_THROW(pad_sequences(std::vector<Tensor>{x, counting({2, 3}, 1)}, 0), ShapeError);
  EXPECT_THROW(pad_sequences(std::vector<Tensor>{x, counting({2}, 1)}, 0), ShapeError);
  EXPECT_THROW(pad_sequences(std::vector<Tensor>{x, Tensor::uninitialized({{2, 2}, float64})}, 0),
               DtypeError);
}

std::vector<Index> many_lengths() {
  std::vector<Index> lengths;
  for (Index i = 0; i < 1000; ++i) lengths.push_back(i * 37 % 101);
  return lengths;
}

Index padding_of(const std::vector<std::vector<Index>>& batches,
                 const std::vector<Index>& lengths) {
  Index padding = 0;
  for (const auto& batch : batches) {
    Index longest = 0, sum = 0;
    for (const Index row : batch) {
      longest = std::max(longest, lengths[static_cast<std::size_t>(row)]);
      sum += lengths[static_cast<std::size_t>(row)];
    }
    padding += longest * static_cast<Index>(batch.size()) - sum;
  }
  return padding;
}

void expect_each_once(const std::vector<std::vector<Index>>& batches, std::size_t count) {
  std::set<Index> seen;
  std::size_t rows = 0;
  for (const auto& batch : batches) {
    seen.insert(batch.begin(), batch.end());
    rows += batch.size();
  }
  EXPECT_EQ(seen.size(), count);
  EXPECT_EQ(rows, count);
}

TEST(PlanBatches, EverySequenceIsInExactlyOneBatch) {
  for (const Index window : {1, 3, 1000}) {
    for (const bool shuffle : {false, true}) {
      const BatchOptions options{.batch = 16, .tokens = 700, .window = window, .shuffle = shuffle};
      expect_each_once(plan_batches(many_lengths(), options, 2), 1000);
    }
  }
}

TEST(PlanBatches, LikeLengthsShareABatch) {
  const auto lengths = many_lengths();
  const Index mixed = padding_of(plan_batches(lengths, {.batch = 10, .window = 1}, 0), lengths);
  const Index near = padding_of(plan_batches(lengths, {.batch = 10, .window = 20}, 0), lengths);
  EXPECT_LT(near * 10, mixed);
}

TEST(PlanBatches, KeepsTheLimits) {
  const auto lengths = many_lengths();
  for (const auto& batch : plan_batches(lengths, {.batch = 40, .tokens = 90}, 0)) {
    Index longest = 0;
    for (const Index row : batch) {
      longest = std::max(longest, lengths[static_cast<std::size_t>(row)]);
    }
    const auto rows = static_cast<Index>(batch.size());
    EXPECT_LE(rows, 40);
    EXPECT_TRUE(rows == 1 || rows * longest <= 90) << rows << " of " << longest;
  }
}

TEST(PlanBatches, Bug40AnEpochIsPlannedAlikeWhenItIsResumed) {
  const auto lengths = many_lengths();
  EXPECT_EQ(plan_batches(lengths, {.seed = 3}, 5), plan_batches(lengths, {.seed = 3}, 5));
  EXPECT_NE(plan_batches(lengths, {.seed = 3}, 5), plan_batches(lengths, {.seed = 3}, 6));
  EXPECT_NE(plan_batches(lengths, {.seed = 3}, 5), plan_batches(lengths, {.seed = 4}, 5));
}

// Were both orders drawn from the same numbers, batches of one would be shuffled by a permutation
// and then again by itself.
TEST(PlanBatches, BatchesAreMixedApartFromSequences) {
  const std::vector<Index> lengths(100, 1);
  const auto batches = plan_batches(lengths, {.batch = 1, .window = 1, .seed = 3}, 5);
  const std::vector<Index> once = shuffled(100, 3, 10);
  std::size_t same = 0;
  for (std::size_t i = 0; i < 100; i++) {
    same += batches[i][0] == once[static_cast<std::size_t>(once[i])];
  }
  EXPECT_LT(same, 10u);
}

TEST(PlanBatches, WithoutShufflingTheOrderStays) {
  const std::vector<Index> lengths{5, 1, 5, 1, 5};
  const std::vector<std::vector<Index>> expected{{0, 1}, {2, 3}, {4}};
  EXPECT_EQ(plan_batches(lengths, {.batch = 2, .shuffle = false}, 9), expected);
}

TEST(PlanBatches, TakesExtremes) {
  EXPECT_TRUE(plan_batches(std::vector<Index>{}, {}, 0).empty());
  constexpr Index kHuge = Index{1} << 62;
  expect_each_once(plan_batches(many_lengths(), {.batch = kHuge, .window = kHuge}, 0), 1000);
  EXPECT_THROW(plan_batches(many_lengths(), {.batch = 0}, 0), ValueError);
  EXPECT_THROW(plan_batches(many_lengths(), {.window = 0}, 0), ValueError);
}

}  // namespace
}  // namespace rw
