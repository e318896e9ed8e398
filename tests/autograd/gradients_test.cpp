// What a rewind returns: terms kept apart, zeros, sums of several rewinds, and who may ask.
#include "rewind/autograd/gradients.h"

#include <gtest/gtest.h>

#include "rewind/autograd/tape.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/views.h"
#include "support/elements.h"
#include "support/message_of.h"

namespace rw {
namespace {

Tensor number(double value) { return scalar(value, float64); }
Tensor row(Index size) { return ones({size}, float64); }

TEST(Tape, PerUseKeepsTheTermsApart) {
  Tape tape;
  const Tensor w = tape.watch(number(2));
  Tensor h = number(1);
  for (int t = 0; t < 3; t++) h = h * w + 1;
  const Gradients gradients = tape.backward(h, {.per_use = {w}});
  const std::vector<Gradient::Term>& terms = gradients.find(w)->terms;
  ASSERT_EQ(terms.size(), 3u);
  EXPECT_DOUBLE_EQ(terms[0].values.item(), 7);      // h_2
  EXPECT_DOUBLE_EQ(terms[1].values.item(), 2 * 3);  // w h_1
  EXPECT_DOUBLE_EQ(terms[2].values.item(), 4 * 1);  // w^2 h_0
  EXPECT_DOUBLE_EQ(gradients[w].item(), 17);
}

TEST(Tape, PerUseKeepsTheTermsOfSlicesApart) {
  Tape tape;
  const Tensor x = tape.watch(row(3));
  const Tensor y = slice(x, 0, 0, 2) * 5, z = slice(x, 0, 1, 3) * 7;
  const Gradients gradients = tape.backward(sum(y) + sum(z), {.per_use = {x}});
  const std::vector<Gradient::Term>& terms = gradients.find(x)->terms;
  ASSERT_EQ(terms.size(), 2u);
  EXPECT_EQ(elements(terms[0].values), (std::vector<double>{0, 7, 7}));
  EXPECT_EQ(elements(terms[1].values), (std::vector<double>{5, 5, 0}));
}

TEST(Tape, PerUseKeepsTheTermsOfRowsApart) {
  Tape tape;
  const Tensor x = tape.watch(ones({2, 1}, float64));
  const Tensor table = tape.watch(x * 3);  // a result, whose rows are read twice
  const Tensor y = take(table, tensor({0})) * 5, z = take(table, tensor({1, 1})) * 7;
  const Gradients gradients = tape.backward(sum(y) + sum(z), {.per_use = {table}});
  const std::vector<Gradient::Term>& terms = gradients.find(table)->terms;
  ASSERT_EQ(terms.size(), 2u);
  EXPECT_EQ(elements(terms[0].values), (std::vector<double>{0, 14}));
  EXPECT_EQ(elements(terms[1].values), (std::vector<double>{5, 0}));
  EXPECT_EQ(elements(gradients[x]), (std::vector<double>{15, 42}));
}

TEST(Tape, PerUseWantsAVariableWhoseGradientIsAskedFor) {
  Tape tape;
  const Tensor x = tape.watch(number(2));
  const Tensor w = tape.watch(number(3));
  const Tensor y = x * w;
  EXPECT_EQ(message_of([&] { (void)tape.backward(y * y, {.per_use = {y}}); }),
            "backward: per_use names the tensor float64 [], whose gradient nobody asks for; watch "
            "it, or name it in wrt as well");
  EXPECT_EQ(message_of([&] { (void)tape.backward(y, {.wrt = {x}, .per_use = {w}}); }),
            "backward: per_use names the tensor float64 [], whose gradient nobody asks for; watch "
            "it, or name it in wrt as well");
}

TEST(Tape, WhatNoGradientReachedIsZero) {
  Tape tape;
  const Tensor x = tape.watch(number(3));
  const Tensor idle = tape.watch(row(4));
  const Gradients gradients = tape.backward(x * x);
  EXPECT_EQ(gradients[idle].shape(), Dims{4});
  EXPECT_EQ(gradients[idle].span<double>()[0], 0);
  EXPECT_EQ(gradients.find(idle), nullptr);
}

TEST(Gradients, AskedOfAStrangerSayWhy) {
  Tape tape;
  const Tensor x = tape.watch(number(3));
  const Gradients gradients = tape.backward(x * x);
  EXPECT_EQ(
      message_of([&] { gradients[Parameter(row(2), "weight")]; }),
      "gradients: parameter 'weight' float64 [2] had no part in that tape; was it watched, is "
      "it frozen, or a copy of the one that was used?");
}

TEST(Gradients, MayBeAddedToThemselves) {
  Tape tape;
  const Tensor x = tape.watch(number(3));
  const Tensor idle = tape.watch(number(1));
  Gradients gradients = tape.backward(x * x);
  gradients += gradients;
  EXPECT_DOUBLE_EQ(gradients[x].item(), 12);
  EXPECT_DOUBLE_EQ(gradients[idle].item(), 0);
}

TEST(Gradients, KnowWhatTheOthersDidNotReach) {
  Tape tape;
  const Tensor idle = tape.watch(number(1));
  const Tensor x = tape.watch(number(3));
  Gradients sum;
  sum += tape.backward(x * x);
  EXPECT_DOUBLE_EQ(sum[idle].item(), 0);
}

TEST(Gradients, OfSeveralTapesAddUp) {
  const Parameter w(number(2), "w");
  Gradients sum;
  for (int i = 1; i <= 3; i++) {
    Tape tape;
    sum += tape.backward(static_cast<Tensor>(w) * w * i);
  }
  sum *= 0.5;
  EXPECT_DOUBLE_EQ(sum[w].item(), (1 + 2 + 3) * 4 * 0.5);
}

}  // namespace
}  // namespace rw
