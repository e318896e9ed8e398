// The terms of a gradient through a planned scan, one for each step and use.
#include <gtest/gtest.h>

#include "autograd/engine/cell_cases.h"
#include "rewind/nn/gru.h"
#include "rewind/nn/linear.h"
#include "rewind/nn/lstm.h"
#include "support/message_of.h"

namespace rw::test {
namespace {

void in_every_way(const NamedCase& cell) {
  for (ScanCase c : every_way(cell, {3, 0, 2})) {  // the last step is nobody's
    for (const Index segments : {0, 3}) {
      c.segments = segments;
      expect_the_terms_of_the_plain_loop(c, cell.name.c_str());
    }
  }
}

TEST(Terms, AreThoseOfThePlainLoop) {
  for (const NamedCase& cell :
       cells_named({"elman", "lstm", "lstm of concat", "gru after", "gru before", "minimal gated",
                    "twice", "context", "dropped", "dot attention"})) {
    in_every_way(cell);
  }
  NamedCase without_the_weight = cells_named({"batch norm"})[0];
  without_the_weight.scan.step = [](const Tensors& x, const Tensors& s, const Tensors& w) {
    Results all = batch_norm(x, s, w);
    all.second.pop_back();  // returned by the step itself, which no operation uses
    return all;
  };
  in_every_way(without_the_weight);
}

// A unit that is off passes no gradient: its terms are zeros, as many as it was used.
TEST(Terms, OfZerosStandLikeOthers) {
  const auto off = [](const Tensors& x, const Tensors& s, const Tensors& w) {
    const Tensor h = tanh(s[0] + x[0] + relu(matmul(s[0], w[0]) - 100));
    return Results{one(h), one(h)};
  };
  const ScanCase c{{numbers({T, B, H}, 1)}, states({H}), weights({{H, H}}), off};
  EXPECT_EQ(terms_of(c)[0].size(), T + 1);
  in_every_way({"off", c});
}

// The rest of a join is never read.
TEST(Terms, OfWhatHasNoEffectAreLeftOut) {
  const auto unread = [](const Tensors& x, const Tensors& s, const Tensors& w) {
    const Tensor h = tanh(s[0] + slice(concat({x[0], matmul(s[0], w[0])}), 1, 0, H));
    return Results{one(h), one(h)};
  };
  const ScanCase c{{numbers({T, B, H}, 1)}, states({H}), weights({{H, H}}), unread};
  EXPECT_EQ(terms_of(c)[0].size(), 1u);
  in_every_way({"unread", c});
}

// Each layer's transposed weight is the same thing, made twice.
TEST(Terms, OfALayerUsedTwiceInAStepAreTwoAStep) {
  const auto step = [](const Tensors& x, const Tensors& s, const Tensors& w) {
    const Tensor u = tanh(nn::linear(s[0], w[0], w[1]) + x[0]);
    const Tensor h = tanh(nn::linear(u, w[0], w[1]));
    return Results{one(h), one(h)};
  };
  const ScanCase c{{numbers({T, B, H}, 1)}, states({H}), weights({{H, H}, {H}}), step};
  EXPECT_EQ(terms_of(c)[0].size(), 2 * T + 1);
  in_every_way({"layer used twice", c});
}

TEST(Terms, OfAStepAreItsShareOfTheGradient) {
  const Tensor w = numbers({H, H}, 5), xs = numbers({T, B, H}, 6), h0 = numbers({B, H}, 7);
  const auto loss = [&](const std::vector<Tensor>& weights) {
    Tensor h = h0;
    for (Index t = 0; t < T; t++) {
      h = tanh(matmul(h, weights[static_cast<std::size_t>(t)]) + xs[t]);
    }
    return sum(h * numbers({B, H}, 8));
  };
  Tape tape;
  const Tensor watched = tape.watch(w);
  const auto step = [&](const Tensor& x, const Tensor& h) { return tanh(matmul(h, watched) + x); };
  const Tensor final = scan(step, xs, h0).final;
  const Gradients gradients =
      tape.backward(sum(final * numbers({B, H}, 8)), {.per_use = {watched}});
  const std::vector<Gradient::Term>& terms = gradients.find(watched)->terms;
  ASSERT_EQ(terms.size(), T);
  const Pause pause;
  for (Index t = 0; t < T; t++) {
    const double by = 1e-6;
    std::vector<Tensor> more(T, w), less(T, w);
    more[static_cast<std::size_t>(t)].mutable_span<double>()[H + 2] += by;
    less[static_cast<std::size_t>(t)].mutable_span<double>()[H + 2] -= by;
    const double difference = (loss(more).item() - loss(less).item()) / (2 * by);
    const Tensor& term = terms[static_cast<std::size_t>(T - 1 - t)].values;  // the last step first
    EXPECT_NEAR(term[1][2].item(), difference, 1e-9) << t;
  }
}

// A use before the scan and one after it, in the order of the rewind.
TEST(Terms, StandBetweenThoseOfUsesAroundTheScan) {
  const auto run = [] {
    Tape tape;
    const Tensor w = tape.watch(numbers({H, H}, 5));
    const auto step = [&](const Tensor& h) { return tanh(matmul(h, w)); };
    const Tensor h = scan(step, 3, matmul(numbers({B, H}, 7), w)).final;
    const Gradients found = tape.backward(sum(matmul(h, w) * numbers({B, H}, 8)), {.per_use = {w}});
    Tensors terms;
    for (const Gradient::Term& term : found.find(w)->terms) terms.push_back(term.values);
    return terms;
  };
  const Tensors planned = run();
  const PlainLoops plainly;
  const Tensors plain = run();
  ASSERT_EQ(planned.size(), 5u);
  ASSERT_EQ(plain.size(), 5u);
  for (std::size_t i = 0; i < 5; i++) EXPECT_LE(largest_difference(planned[i], plain[i]), 1e-12);
}

// What a scan takes as its sequence or its initial state it uses once.
TEST(Terms, OfASequenceAndAnInitialStateAreOneEach) {
  Tape tape;
  const Tensor xs = tape.watch(numbers({T, B, H}, 1)), h0 = tape.watch(numbers({B, H}, 2));
  const auto step = [](const Tensor& x, const Tensor& h) { return tanh(x + h); };
  const Tensor loss = sum(square(scan(step, xs, h0).outputs));
  const Gradients sums = tape.backward(loss, {.keep = true});
  const Gradients terms = tape.backward(loss, {.per_use = {xs, h0}});
  for (const Tensor& x : {xs, h0}) {
    ASSERT_NE(terms.find(x), nullptr);
    ASSERT_EQ(terms.find(x)->terms.size(), 1u);
    EXPECT_EQ(elements(terms[x]), elements(sums[x]));
  }
}

TEST(Terms, OfAComputedTensorLetItsGradientPass) {
  const auto run = [] {
    Tape tape;
    const Tensor w = tape.watch(numbers({H, H}, 5));
    Tensor twice = w * 2;
    tape.watch(twice);
    const auto step = [&](const Tensor& h) { return tanh(matmul(h, twice)); };
    const Tensor loss = sum(square(scan(step, 3, numbers({B, H}, 7)).outputs));
    const Gradients found = tape.backward(loss, {.per_use = {twice}});
    EXPECT_EQ(found.find(twice)->terms.size(), 3u);
    return Tensors{found[w], found[twice]};
  };
  const Tensors planned = run();
  const PlainLoops plainly;
  const Tensors plain = run();
  for (std::size_t i = 0; i < 2; i++) EXPECT_LE(largest_difference(planned[i], plain[i]), 1e-12);
}

TEST(Terms, MayBeDifferentiated) {
  const auto run = [] {
    Tape tape;
    const Tensor w = tape.watch(numbers({H, H}, 5));
    const auto step = [&](const Tensor& x, const Tensor& h) { return tanh(matmul(h, w) + x); };
    const Tensor y = scan(step, numbers({T, B, H}, 6), numbers({B, H}, 7)).outputs;
    const Gradients found = tape.backward(sum(y * y), {.record = true, .per_use = {w}});
    Tensor penalty = zeros({}, float64);
    double seed = 9;
    for (const Gradient::Term& term : found.find(w)->terms) {
      penalty = penalty + sum(square(term.values) * numbers({H, H}, seed += 1));
    }
    return tape.backward(penalty)[w];
  };
  const Tensor planned = run();
  const PlainLoops plainly;
  EXPECT_LE(largest_difference(planned, run()), 1e-12);
}

TEST(Terms, OfParametersInACellOfTheLibrary) {
  Rng rng(3);
  const nn::LSTMCell cell(I, H, rng);
  const Tensor xs = cast(numbers({T, B, I}, 6), float32);
  const auto run = [&] {
    Tape tape;
    const auto step = [&](const Tensor& x, const nn::LSTMCell::State& s) {
      return cell.step(x, s);
    };
    const Tensor loss = sum(square(scan(step, xs, cell.initial(B)).outputs));
    const Gradients found = tape.backward(loss, {.per_use = {cell.weights.weight_hh}});
    Tensors terms;
    for (const Gradient::Term& t : found.find(cell.weights.weight_hh)->terms) {
      terms.push_back(t.values);
    }
    return terms;
  };
  const Tensors planned = run();
  const PlainLoops plainly;
  const Tensors plain = run();
  ASSERT_EQ(planned.size(), T);
  for (std::size_t i = 0; i < T; i++) EXPECT_LE(largest_difference(planned[i], plain[i]), 5e-6);
}

TEST(Terms, AreRefusedOfAWeightThatTheStepDoesNotRead) {
  Parameter read(numbers({H, H}, 5), "read"), unread(numbers({H, H}, 6), "unread");
  const auto step = [&](const Tensor& h) { return tanh(matmul(h, read)); };
  const auto ask_for = [&](const Parameter& p) {
    Tape tape;
    (void)tape.backward(sum(scan(step, 3, tape.watch(numbers({B, H}, 7))).final), {.per_use = {p}});
  };
  const auto text = [](const char* name) {
    return fmt::format(
        "backward: per_use names parameter '{}' float64 [5, 5], which had no part in this tape; "
        "was it watched, is it frozen, or a copy of the one that was used?",
        name);
  };
  EXPECT_NO_THROW(ask_for(read));
  EXPECT_EQ(message_of<GradientError>([&] { ask_for(unread); }), text("unread"));
  read.freeze();
  EXPECT_EQ(message_of<GradientError>([&] { ask_for(read); }), text("read"));
}

TEST(Terms, AreRefusedOfARecordedRewind) {
  Tape tape;
  const Tensor w = tape.watch(numbers({H, H}, 5));
  const auto step = [&](const Tensor& h) { return tanh(matmul(h, w)); };
  const Tensor loss = sum(square(scan(step, 3, numbers({B, H}, 7)).outputs));
  const Gradients gradients = tape.backward(loss, {.record = true});
  const Tensor penalty = sum(square(gradients[w]));
  EXPECT_EQ(
      message_of<GradientError>([&] { (void)tape.backward(penalty, {.per_use = {w}}); }),
      "backward: per_use names a variable that the rewind of a scan used, recorded; the terms "
      "of such uses are not told apart; run the scan in a PlainLoops scope");
}

TEST(Terms, AreRefusedOfAScanInsideAStep) {
  Tape tape;
  const Tensor w = tape.watch(numbers({H, H}, 5)), u = tape.watch(numbers({H, H}, 6));
  const auto inner = [&](const Tensor& h) { return tanh(matmul(h, w)); };
  const auto outer = [&](const Tensor& x, const Tensor& h) {
    return matmul(scan(inner, 2, x + h).final, u);
  };
  const Tensor h = scan(outer, numbers({T, B, H}, 1), numbers({B, H}, 7)).final;
  const Gradients found = tape.backward(sum(h), {.keep = true, .per_use = {u}});
  EXPECT_EQ(found.find(u)->terms.size(), T);
  EXPECT_EQ(message_of<GradientError>([&] { (void)tape.backward(sum(h), {.per_use = {w}}); }),
            "backward: per_use names what a scan inside the step of another scan depends on, whose "
            "uses are not told apart there; run the outer one in a PlainLoops scope");
}

}  // namespace
}  // namespace rw::test
