// Packed weights: remembered, shared, and never those of numbers that were since written to.
#include "rewind/autograd/engine/run/packed.h"

#include <gtest/gtest.h>

#include "autograd/engine/ramp.h"
#include "rewind/autograd/scan.h"
#include "rewind/nn/lstm.h"
#include "rewind/nn/parameters.h"
#include "rewind/nn/recurrent.h"
#include "rewind/optim/sgd.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/ordered_matmul.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/views.h"
#include "support/compare.h"
#include "support/dice.h"
#include "support/same_bits.h"

namespace rw::engine {
namespace {

using test::ramp;

Tensor packed_matmul(const Tensor& a, const Tensor& w) {
  return times_packed(a, packed_form(w), w.dim(1));
}

TEST(Packed, TheSameNumbersArePackedOnce) {
  const Tensor w = ramp({5, 20});
  const Tensor form = packed_form(w);
  EXPECT_TRUE(packed_form(w).shares_storage_with(form));
  EXPECT_TRUE(packed_form(transpose(transpose(w))).shares_storage_with(form));
  EXPECT_FALSE(packed_form(transpose(w)).shares_storage_with(form));
  EXPECT_FALSE(packed_form(slice(w, 0, 0, 4)).shares_storage_with(form));
}

// So it is the same by which of them a scan multiplies.
TEST(Packed, HasTheBitsOfTheOrderedProduct) {
  const Tensor x = ramp({70, 1100}), w = ramp({1100, 150});
  EXPECT_TRUE(test::same_bits(packed_matmul(x, w), ordered_matmul(x, w)));
  EXPECT_TRUE(
      test::same_bits(packed_matmul(x, w), ordered_matmul(x, transpose(contiguous(transpose(w))))));
}

TEST(Packed, AWriteMakesAnotherForm) {
  const Tensor x = ramp({3, 5});
  Tensor w = ramp({5, 20});
  for (int i = 0; i < 10; i++) {
    EXPECT_LE(largest_difference(packed_matmul(x, w), matmul(x, w)), 1e-5) << i;
    w.mutable_span<float>()[static_cast<std::size_t>(7 * i)] += 1;
    EXPECT_LE(largest_difference(packed_matmul(x, w), matmul(x, w)), 1e-5) << i;
    w.set(i % 5, 3.0);
  }
}

// Memory that is let go is given out again: the same address must not mean the same numbers.
TEST(Packed, NumbersThatCameToTheSamePlaceAreOthers) {
  const Tensor x = ramp({3, 5});
  for (int i = 0; i < 50; i++) {
    Tensor w = ramp({5, 20});
    w = w * static_cast<double>(i);
    EXPECT_LE(largest_difference(packed_matmul(x, w), matmul(x, w)), 1e-4) << i;
  }
}

TEST(Packed, MemoryOfACallerMayComeBackWithOtherNumbers) {
  const Tensor x = ramp({3, 5});
  std::vector<float> numbers(100);
  for (int i = 0; i < 5; i++) {
    for (float& v : numbers) v = static_cast<float>(i);
    const Tensor w = Tensor::foreign(numbers.data(), {{5, 20}}, {20, 1}, {});
    EXPECT_LE(largest_difference(packed_matmul(x, w), matmul(x, w)), 1e-5) << i;
  }
}

// Everything that a program may do to weights, in any order: after each act every weight is
// multiplied by, most of them in forms that were packed before.
TEST(Packed, IsNeverThatOfOtherNumbersWhateverIsDoneToWeights) {
  const Tensor x = ramp({3, 6});
  std::vector<Tensor> weights;
  for (int i = 0; i < 6; i++) weights.push_back(ramp({6, 6}) * static_cast<double>(i + 1));
  test::Dice dice(1);
  const auto act = [&](Tensor& w, const Tensor& other) {
    const Index row = dice(6);
    switch (dice(11)) {
      case 0:
        w.mutable_span<float>()[dice(36u)] += 1;
        break;
      case 1:
        w.set(row, 0.5);
        break;
      case 2:
        w.set(row, other[5 - row]);
        break;
      case 3:
        w = other;  // shared until one of them is written
        break;
      case 4:
        w = transpose(other);
        break;
      case 5:
        w = slice(concat({other, w}, 0), 0, row, row + 6);
        break;
      case 6:
        w = std::move(w) * 0.5;  // in place where nobody else holds it
        break;
      case 7:
        w = slice_add(std::move(w), slice(other, 0, 0, 2), 0, row > 4 ? 4 : row,
                      row > 4 ? 6 : row + 2);
        break;
      case 8:
        w = Tensor();
        w = other + 0.25;
        break;
      case 9: {
        Tensor before = w;  // held by somebody while the weight goes on
        w.mutable_span<float>()[dice(36u)] -= 1;
        EXPECT_LE(largest_difference(packed_matmul(x, before), matmul(x, before)), 1e-4);
        break;
      }
      default: {
        Tensor view = reshape(w, {36});
        view.set(dice(36), -1.0);
        break;
      }
    }
  };
  for (int i = 0; i < 3000; i++) {
    const std::size_t k = dice(weights.size());
    const Tensor other = weights[dice(weights.size())];
    act(weights[k], other);
    if (dice(8) == 0) weights[k] = ramp({6, 6});  // not to grow without end
    for (const Tensor& w : weights) {
      ASSERT_LE(largest_difference(packed_matmul(x, w), matmul(x, w)), 1e-4) << "act " << i;
    }
  }
}

// A layer that learns, beside plain loops over the same weights at every step.
TEST(Packed, FollowsTheWeightsThroughUpdates) {
  Rng rng(2);
  nn::Recurrent<nn::LSTMCell> layer({.input = 3, .hidden = 6}, rng);
  optim::SGD sgd(nn::parameters(layer), {.learning_rate = 0.5});
  const Tensor x = ramp({7, 2, 3});
  auto stream = layer.stream(2);
  for (int i = 0; i < 5; i++) {
    const Tensor planned = layer(x).outputs;
    const Tensor plain = [&] {
      const PlainLoops plainly;
      return layer(x).outputs;
    }();
    EXPECT_LE(largest_difference(planned, plain), 1e-6) << i;
    stream.set_state(layer.initial(2));
    EXPECT_EQ(largest_difference(stream.run(x), planned), 0) << i;
    Tape tape;
    const Tensor outputs = layer(x).outputs;
    sgd.step(tape.backward({{outputs, ramp({7, 2, 6})}}));
  }
}

}  // namespace
}  // namespace rw::engine
