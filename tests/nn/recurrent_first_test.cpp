// What a recurrent layer makes of a step's input before its first cell takes it.
#include <gtest/gtest.h>

#include "nn/recurrent_kinds.h"
#include "rewind/nn/embedding.h"

namespace rw::test {
namespace {

constexpr Index kSteps = 7, kWords = 6;

Tensor tokens() {
  Tensor x = zeros({kSteps, kBatch}, int64);
  Index i = 0;
  for (Index& token : x.mutable_span<Index>()) {
    token = i * i % (kWords - 1);  // one word is never looked up
    i++;
  }
  return x;
}

template <class Layer>
struct Tagger {
  nn::Embedding embed;
  Layer rnn;
  bool inside;

  auto operator()(const Tensor& x, nn::RecurrentCall<typename Layer::CellState> call) const {
    return inside ? rnn(x, call, embed) : rnn(embed(x), call);
  }
  static void members(auto& self, auto&& visit) {
    visit("embed", self.embed);
    visit("rnn", self.rnn);
  }
};

// Outputs and gradients with the embedding inside of the recurrence, or in front of it.
template <class Kind>
std::vector<Tensor> all_of(bool inside, const nn::RecurrentOptions& options,
                           const nn::RecurrentCall<typename Kind::Cell::State>& call) {
  Rng rng(3);
  using Layer = nn::Recurrent<typename Kind::Cell>;
  const Tagger<Layer> model{nn::Embedding(kWords, kInput, rng, {.dtype = float64}),
                            recurrent<Kind>(options), inside};
  Tape tape;
  const auto result = model(options.batch_first ? transpose(tokens(), 0, 1) : tokens(), call);
  std::vector<Tensor> all = {result.outputs, result.last};
  const Gradients gradients = tape.backward(everything(result));
  for (const Parameter& p : nn::parameters(model)) all.push_back(gradients[p]);
  return all;
}

template <class Kind>
class RecurrentFirst : public testing::Test {};
TYPED_TEST_SUITE(RecurrentFirst, Kinds, KindNames);

TYPED_TEST(RecurrentFirst, LooksUpWhatAnEmbeddingInFrontWould) {
  for (const nn::RecurrentOptions& options :
       {nn::RecurrentOptions{}, nn::RecurrentOptions{.layers = 2, .bidirectional = true},
        nn::RecurrentOptions{.layers = 2, .batch_first = true}}) {
    for (const Lengths& lengths : {Lengths(), Lengths{7, 0, 3, 5, 1}}) {
      const nn::RecurrentCall<typename TypeParam::Cell::State> call{.lengths = lengths};
      const std::vector<Tensor> inside = all_of<TypeParam>(true, options, call);
      expect_close(inside, all_of<TypeParam>(false, options, call));
      const PlainLoops plainly;
      expect_close(inside, all_of<TypeParam>(true, options, call));
    }
  }
}

TEST(RecurrentFirst, MayBeAnyFunctionOfAStep) {
  const auto layer = recurrent<Gru>({.input = 2 * kInput});
  const auto twice = [](const Tensor& x) { return concat({x, x * x}); };
  const Tensor x = layer_input();
  expect_close({layer(x, {}, twice).outputs}, {layer(twice(x)).outputs});
}

}  // namespace
}  // namespace rw::test
