// What a recurrent layer makes of a step's input before its first cell takes it.
#include <gtest/gtest.h>

#include "nn/recurrent_kinds.h"
#include "rewind/nn/embedding.h"
#include "rewind/tensor/regions.h"

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

// In the words of the embedding, not of the operation that looks up, and by the place among all
// tokens; but behind a row's length there may be anything.
TEST(RecurrentFirst, SaysOfATokenOutsideTheTableWhatTheEmbeddingSays) {
  Rng rng(3);
  const auto layer = recurrent<Gru>({}), rows_first = recurrent<Gru>({.batch_first = true});
  const nn::Embedding embed(kWords, kInput, rng, {.dtype = float64});
  Tensor x = tokens();
  x.set({4, 2}, kWords);
  const auto text =
      "embedding: token 6 at position 22 of tokens [7, 5], but the table has 6 words, 0 to 5";
  EXPECT_ERROR(embed(x), IndexError, text);
  EXPECT_ERROR(layer(x, {}, embed), IndexError, text);
  EXPECT_ERROR(layer(x, {.lengths = {1, 1, 5, 1, 1}}, embed), IndexError, text);
  EXPECT_ERROR(
      rows_first(contiguous(transpose(x, 0, 1)), {.lengths = {1, 1, 5, 1, 1}}, embed), IndexError,
      "embedding: token 6 at position 18 of tokens [5, 7], but the table has 6 words, 0 to "
      "5");
  const Lengths before_it = {7, 7, 4, 7, 7};
  const Tensor outputs = layer(x, {.lengths = before_it}, embed).outputs;
  expect_close({rows_first(transpose(x, 0, 1), {.lengths = before_it}, embed).outputs},
               {transpose(outputs, 0, 1)});
  const PlainLoops plainly;
  EXPECT_ERROR(layer(x, {}, embed), IndexError, text);
  expect_close({layer(x, {.lengths = before_it}, embed).outputs}, {outputs});
}

TEST(RecurrentFirst, SaysOfAnEmbeddingThatItIsTooWide) {
  Rng rng(3);
  const nn::Embedding wide(kWords, kInput + 1, rng, {.dtype = float64});
  EXPECT_ERROR(recurrent<Gru>({})(tokens(), {}, wide), ShapeError,
               "recurrent: what `first` makes of a step's x is float64 [5, 4], .input is 3; it "
               "gives the features that the layer takes");
}

TEST(RecurrentFirst, MayBeAnyFunctionOfAStep) {
  const auto layer = recurrent<Gru>({.input = 2 * kInput});
  const auto twice = [](const Tensor& x) { return concat({x, x * x}); };
  const Tensor x = layer_input();
  expect_close({layer(x, {}, twice).outputs}, {layer(twice(x)).outputs});
}

}  // namespace
}  // namespace rw::test
