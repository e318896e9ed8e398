// The terms of a weight's gradient, one for each time that a recurrent layer used it: of layers, in
// both directions, with lengths, resets and segments.
#include <gtest/gtest.h>

#include "nn/recurrent_kinds.h"

namespace rw::test {
namespace {

// By parameter: its terms, and last their sum as the tape has it by itself.
template <class Layer, class Call>
std::vector<std::vector<Tensor>> terms_of(const Layer& layer, const Call& call) {
  const Random same(5);
  Tape tape;
  const std::vector<Upstream> roots = everything(layer(layer_input(), call));
  std::vector<Variable> weights;
  for (const Parameter& p : nn::parameters(layer)) weights.emplace_back(p);
  const Gradients sums = tape.backward(roots, {.keep = true});
  const Gradients gradients = tape.backward(roots, {.per_use = std::move(weights)});
  std::vector<std::vector<Tensor>> all;
  for (const Parameter& p : nn::parameters(layer)) {
    all.emplace_back();
    if (const Gradient* gradient = gradients.find(p)) {
      for (const Gradient::Term& term : gradient->terms) {
        all.back().push_back(Gradient{gradient->spec, {term}}.dense());
      }
    }
    all.back().push_back(sums[p]);
  }
  return all;
}

template <class Layer, class Call>
void expect_the_terms_of_plain_loops(const Layer& layer, const Call& call) {
  const auto planned = terms_of(layer, call);
  const PlainLoops plainly;
  const auto plain = terms_of(layer, call);
  ASSERT_EQ(planned.size(), plain.size());
  for (std::size_t w = 0; w < plain.size(); w++) {
    SCOPED_TRACE(w);
    EXPECT_GT(plain[w].size(), 2u);
    expect_close(planned[w], plain[w]);
    Tensor total = zeros(plain[w].back().shape(), float64);
    for (std::size_t i = 0; i + 1 < planned[w].size(); i++) total = total + planned[w][i];
    EXPECT_LE(largest_difference(total, planned[w].back()), 1e-12);
  }
}

template <class Kind>
class RecurrentTerms : public testing::Test {};
TYPED_TEST_SUITE(RecurrentTerms, Kinds, KindNames);

TYPED_TEST(RecurrentTerms, AreThoseOfPlainLoops) {
  const auto layer = recurrent<TypeParam>({.layers = 2, .bidirectional = true, .dropout = 0.3});
  nn::RecurrentCall<typename TypeParam::Cell::State> call{.initial = starts(layer)};
  for (const Lengths& lengths : {Lengths{}, Lengths{3, kTime, 0, 1, 4}, Lengths{3, 2, 0, 1, 4}}) {
    for (const Index segments : {0, 3}) {
      for (const bool resets : {false, true}) {
        SCOPED_TRACE(fmt::format("{} lengths, {} segments, {}", lengths.size(), segments, resets));
        call.lengths = lengths;
        call.segments = segments;
        call.reset = resets ? mask({kTime, kBatch}, {5, 12, 17, 23}) : Tensor();
        expect_the_terms_of_plain_loops(layer, call);
      }
    }
  }
}

TYPED_TEST(RecurrentTerms, OfAReversedLayerAreThoseOfPlainLoops) {
  const auto layer = recurrent<TypeParam>({.layers = 2, .residual = true});
  nn::RecurrentCall<typename TypeParam::Cell::State> call{.initial = starts(layer),
                                                          .reverse = true};
  for (const Lengths& lengths : {Lengths{}, Lengths{3, kTime, 0, 1, 4}}) {
    call.lengths = lengths;
    expect_the_terms_of_plain_loops(layer, call);
  }
}

// One for each step, the last step first: what that step alone adds.
TEST(RecurrentTerms, OfAnElmanLayerAreAsManyAsThereAreSteps) {
  const auto layer = recurrent<Elman>({.layers = 2, .bidirectional = true});
  const nn::RecurrentCall<Elman::Cell::State> call;
  for (const auto& terms : terms_of(layer, call)) {
    EXPECT_EQ(terms.size(), static_cast<std::size_t>(kTime) + 1);
  }
}

}  // namespace
}  // namespace rw::test
