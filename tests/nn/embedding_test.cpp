// The table of vectors: values, sparse gradients, the padding row.
#include "rewind/nn/embedding.h"

#include "nn/differences.h"
#include "rewind/autograd/explain.h"
#include "rewind/autograd/scan.h"
#include "rewind/nn/linear.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/select.h"
#include "support/elements.h"

namespace rw {
namespace {

using test::wave;

TEST(Embedding, LooksUpRows) {
  const Tensor table = tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}});
  const Tensor y = nn::embedding(tensor({{2, 0}}), table);
  EXPECT_EQ(y.shape(), (Dims{1, 2, 2}));
  EXPECT_EQ(elements(y), (std::vector<double>{5, 6, 1, 2}));
  EXPECT_EQ(nn::embedding(zeros({0, 3}, int64), table).shape(), (Dims{0, 3, 2}));
}

TEST(Embedding, IsDrawnFromTheStandardNormalDistribution) {
  Rng rng(1);
  const nn::Embedding words(200, 100, rng);
  double sum = 0, squares = 0;
  for (double v : elements(words.weight.value())) sum += v, squares += v * v;
  EXPECT_NEAR(sum / 20'000, 0, 0.03);
  EXPECT_NEAR(squares / 20'000, 1, 0.04);
}

TEST(Embedding, HasRightGradients) {
  const Tensor tokens = tensor({{2, 0, 2}, {3, 2, 0}});
  const Parameter table(wave({5, 3}), "table");
  test::expect_gradients([&] { return nn::embedding(tokens, table); }, test::variables({&table}));
}

TEST(Embedding, HasRightGradientsThroughAComputedTable) {
  const Tensor tokens = tensor({2, 0, 2});
  const Parameter table(wave({5, 3}), "table");
  test::expect_gradients(
      [&] {
        const Tensor computed = table * table;
        return nn::embedding(tokens, computed) + nn::embedding(tensor({1, 2, 4}), computed);
      },
      test::variables({&table}));
}

TEST(Embedding, GivesItsGradientAsRows) {
  Rng rng(1);
  const nn::Embedding words(1000, 4, rng);
  Tape tape;
  const Gradients gradients = tape.backward(sum(words(tensor({7, 3, 7}))));
  const Gradient* gradient = gradients.find(words.weight);
  ASSERT_NE(gradient, nullptr);
  EXPECT_TRUE(gradient->is_sparse());
  ASSERT_EQ(gradient->terms.size(), 1u);
  EXPECT_EQ(gradient->terms[0].values.size(), 12);
  EXPECT_EQ(elements(gradient->dense()[7]), (std::vector<double>{2, 2, 2, 2}));
}

TEST(Embedding, AddsTheGradientOfATiedOutputLayer) {
  Rng rng(1);
  const nn::Embedding words(4, 3, rng, {.dtype = float64});
  const Tensor tokens = tensor({1, 2, 1});
  test::expect_gradients([&] { return nn::linear(words(tokens), words.weight); },
                         test::variables({&words.weight}));
}

TEST(Embedding, Bug39AddsUpAThousandUsesOfOneRowAndNoneOfThePadding) {
  Rng rng(1);
  const nn::Embedding words(5, 2, rng, {.padding_index = 3});
  EXPECT_EQ(elements(words.weight.value()[3]), (std::vector<double>{0, 0}));
  Tensor tokens = full({2000}, 4, int64);
  for (std::size_t i = 0; i < 2000; i += 2) tokens.mutable_span<Index>()[i] = 3;
  Tape tape;
  const Tensor infinite = full({2000, 2}, 1) / 0;
  const Tensor y = words(tokens);
  const Tensor upstream = where(equal(unsqueeze(tokens, 1), 3), infinite, ones({2000, 2}));
  const Tensor gradient = tape.backward({{y, upstream}})[words.weight];
  EXPECT_EQ(elements(gradient), (std::vector<double>{0, 0, 0, 0, 0, 0, 0, 0, 1000, 1000}));
}

TEST(Embedding, HasSecondDerivativesThroughItsRows) {
  const Parameter table(wave({4, 2}), "table");
  const Tensor tokens = tensor({1, 3, 1});
  const auto loss = [&] {
    const Tensor y = nn::embedding(tokens, table);
    return sum(y * y * y);
  };
  test::expect_gradients([&] { return test::gradient_of(loss, table); }, test::variables({&table}));
}

// Tokens beyond a row's length are not looked up, so they may be anything.
TEST(Embedding, InTheStepOfAScanIsPartOfThePlan) {
  const Parameter table(wave({5, 3}), "table"), w(wave({3, 3}), "w");
  const Tensor tokens = tensor({{2, 0, 1}, {1, -9, 2}, {2, 99, 0}});
  for (const Index padding : {-1, 2}) {
    const auto step = [&](const Tensor& token, const Tensor& h) {
      return tanh(matmul(nn::embedding(token, table, padding), w) + matmul(h, w));
    };
    const auto gradients = [&] {
      Tape tape;
      const Tensor last = scan(step, tokens, zeros({3, 3}, float64), {.lengths = {3, 1, 3}}).final;
      const Gradients all = tape.backward(sum(last * last));
      return std::pair(elements(all[table]), elements(all[w]));
    };
    const auto planned = gradients();
    const std::string text = explain(step, zeros({3, 3}, int64), zeros({3, 3}, float64));
    EXPECT_EQ(text.find("mixes rows"), std::string::npos) << text;
    EXPECT_TRUE(padding >= 0 || text.find("ordinary") == std::string::npos) << text;
    const PlainLoops plainly;
    const auto plain = gradients();
    for (std::size_t i = 0; i < plain.first.size(); i++) {
      EXPECT_NEAR(planned.first[i], plain.first[i], 1e-12);
    }
    for (std::size_t i = 0; i < plain.second.size(); i++) {
      EXPECT_NEAR(planned.second[i], plain.second[i], 1e-12);
    }
  }
}

TEST(Embedding, SaysWhatIsOutside) {
  Rng rng(1);
  const nn::Embedding words(5, 2, rng);
  EXPECT_ERROR(words(tensor({{0, 1}, {5, 2}})), IndexError,
               "embedding: token 5 at position 2 of tokens [2, 2], but the table has 5 words, 0 to "
               "4");
  EXPECT_ERROR(words(ones({2})), DtypeError,
               "embedding: tokens must be int64, got float32 [2]; convert them with to(x, int64)");
  EXPECT_ERROR(nn::embedding(tensor({1}), ones({3})), ShapeError,
               "embedding: the table must be [words, features], got float32 [3]");
  EXPECT_ERROR(nn::Embedding(0, 2, rng), ShapeError,
               "embedding: 0 words of 2 features; both must be positive");
  EXPECT_ERROR(nn::Embedding(5, 2, rng, {.padding_index = 5}), IndexError,
               "embedding: padding_index 5 with 5 words; it is one of them, or -1 for none");
}

}  // namespace
}  // namespace rw
