// Batches of sequences of any length: mistakes that recurrent layers elsewhere were shipped with,
// named by their numbers in our list of them.
#include <gtest/gtest.h>

#include <limits>

#include "nn/recurrent_kinds.h"
#include "rewind/tensor/regions.h"

namespace rw::test {
namespace {

template <class Kind>
class RecurrentLengths : public testing::Test {};
TYPED_TEST_SUITE(RecurrentLengths, Kinds, KindNames);

// pytorch #1811 and six of keras: the reverse direction began in the padding.
TYPED_TEST(RecurrentLengths, Bug19APaddedBatchIsEachSequenceAlone) {
  const Lengths lengths = {3, kTime, 0, 1, 4};
  const auto layer = recurrent<TypeParam>({.layers = 2, .bidirectional = true});
  const Tensor x = layer_input();
  Tensor padded = x;
  for (Index row = 0; row < kBatch; row++) {
    const Index length = lengths[static_cast<std::size_t>(row)];
    padded.set({Range{length, kEnd}, row}, std::numeric_limits<double>::quiet_NaN());
  }
  const auto initial = starts(layer);
  const auto result = layer(padded, {.lengths = lengths, .initial = initial});
  const std::vector<Upstream> given = everything(result);
  const auto together = gradients_of(layer, padded, {.lengths = lengths, .initial = initial},
                                     [](const auto& r) { return everything(r); });
  std::vector<Tensor> sums(together.size());
  for (Index row = 0; row < kBatch; row++) {
    const Index length = lengths[static_cast<std::size_t>(row)];
    const auto start = row_of_state(initial, row);
    const Tensor alone = row_of(x, row, length);
    const auto one = layer(alone, {.initial = start});
    EXPECT_LE(largest_difference(row_of(result.outputs, row, length), one.outputs), 1e-12);
    EXPECT_LE(largest_difference(slice(result.last, 0, row, row + 1), one.last), 1e-12);
    expect_close(tensors_of(row_of_state(result.final, row)), tensors_of(one.final));
    if (length == 0) continue;
    const auto gradients = gradients_of(layer, alone, {.initial = start}, [&](const auto& r) {
      std::vector<Upstream> from = everything(r);
      from[0].dy = row_of(given[0].dy, row, length);
      for (std::size_t i = 1; i < from.size(); i++) {
        from[i].dy = slice(given[i].dy, 0, row, row + 1);
      }
      return from;
    });
    const std::size_t states = tensors_of(initial).size();
    EXPECT_LE(largest_difference(row_of(together[0], row, length), gradients[0]), 1e-12);
    for (std::size_t i = 1; i < gradients.size(); i++) {
      if (i <= states) {
        const Tensor mine = slice(together[i], 0, row, row + 1);
        EXPECT_LE(largest_difference(mine, gradients[i]), 1e-12);
      } else {
        sums[i] = sums[i].defined() ? sums[i] + gradients[i] : gradients[i];
      }
    }
  }
  for (std::size_t i = 1 + tensors_of(initial).size(); i < together.size(); i++) {
    EXPECT_LE(largest_difference(together[i], sums[i]), 1e-12);
  }
  for (Index row = 0; row < kBatch; row++) {
    const Index length = lengths[static_cast<std::size_t>(row)];
    for (double g : elements(slice(slice(together[0], 1, row, row + 1), 0, length, kTime))) {
      EXPECT_EQ(g, 0);
    }
  }
}

// pytorch #50192 and four others: sequences or batches of nothing.
TYPED_TEST(RecurrentLengths, Bug21NoStepsAndNoRowsAreDefined) {
  const auto layer = recurrent<TypeParam>({.layers = 2, .bidirectional = true});
  const auto initial = starts(layer);
  Tape tape;
  const auto watched = watch_all(tape, initial);
  const auto none = layer(layer_input(0), {.initial = watched, .states = true});
  EXPECT_EQ(none.outputs.shape(), (Dims{0, kBatch, 2 * kHidden}));
  EXPECT_EQ(none.last.spec(), zeros({kBatch, 2 * kHidden}, float64).spec());
  EXPECT_EQ(none.states.size(), 4u);
  expect_same_bits(tensors_of(none.final), tensors_of(initial));
  const Tensor first = first_tensor(none.final[0]);
  const Gradients gradients = tape.backward({{first, wave(first.shape())}});
  EXPECT_EQ(elements(gradients[first_tensor(watched[0])]), elements(wave(first.shape())));

  const auto no_rows = layer(tape.watch(layer_input(kTime, 0)));
  EXPECT_EQ(no_rows.outputs.shape(), (Dims{kTime, 0, 2 * kHidden}));
  EXPECT_EQ(no_rows.last.shape(), (Dims{0, 2 * kHidden}));
  const Gradients zero = tape.backward({{no_rows.outputs, no_rows.outputs}});
  for (const Parameter& p : nn::parameters(layer)) {
    EXPECT_EQ(elements(zero[p]), elements(zeros(p.shape())));
  }
}

// IDSIA/brainstorm #109: the rewind of a single step.
TYPED_TEST(RecurrentLengths, Bug22OneStepIsAStepOfTheCell) {
  const auto layer = recurrent<TypeParam>({.layers = 2});
  const auto initial = starts(layer);
  const auto roots = [](const auto& result) {
    return std::vector<Upstream>{{result.outputs, wave(result.outputs.shape(), 10)}};
  };
  const auto gradients = gradients_of(layer, layer_input(1), {.initial = initial}, roots);
  Tape tape;
  const Tensor x = tape.watch(layer_input(1));
  const auto [state, output] = layer.step(x[0], watch_all(tape, initial));
  const Gradients expected = tape.backward({{output, wave({1, kBatch, kHidden}, 10)[0]}});
  const Tensor last = layer(layer_input(1), {.initial = initial}).last;
  EXPECT_LE(largest_difference(last, output), 1e-14);
  EXPECT_LE(largest_difference(gradients[0], expected[x]), 1e-14);
}

}  // namespace
}  // namespace rw::test
