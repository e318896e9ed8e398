// Layer normalization: what it makes of a row, its gradients, its options.
#include "rewind/nn/layer_norm.h"

#include "nn/differences.h"
#include "rewind/nn/parameters.h"
#include "support/elements.h"

namespace rw {
namespace {

using test::wave;

TEST(LayerNorm, CentersAndScalesEachRow) {
  const nn::LayerNorm norm(4, {.epsilon = 0, .dtype = float64});
  const Tensor y = norm(tensor({{1.0, 2.0, 3.0, 4.0}, {-10.0, 10.0, -10.0, 10.0}}, float64));
  const double s = std::sqrt(1.25);
  const std::vector<double> expected{-1.5 / s, -0.5 / s, 0.5 / s, 1.5 / s, -1, 1, -1, 1};
  const std::vector<double> got = elements(y);
  for (std::size_t i = 0; i < 8; i++) EXPECT_NEAR(got[i], expected[i], 1e-15);
}

TEST(LayerNorm, AddsEpsilonToTheVariance) {
  const nn::LayerNorm norm(2, {.epsilon = 3, .dtype = float64});
  EXPECT_EQ(elements(norm(tensor({4.0, 6.0}, float64))), (std::vector<double>{-0.5, 0.5}));
}

TEST(LayerNorm, KeepsItsDigitsFarFromZero) {
  const nn::LayerNorm norm(4, {.epsilon = 0});
  const Tensor y = norm(tensor({10001.0, 10002.0, 10003.0, 10004.0}));
  EXPECT_NEAR(y[0].item(), -1.5 / std::sqrt(1.25), 1e-6);
}

TEST(LayerNorm, GivesZerosForARowOfEqualNumbers) {
  const nn::LayerNorm norm(3);
  EXPECT_EQ(elements(norm(full({2, 3}, 7))), std::vector<double>(6, 0));
}

TEST(LayerNorm, HasRightGradients) {
  const Parameter x(wave({2, 3, 5}), "x"), w(wave({5}, 1), "w"), b(wave({5}, 2), "b");
  test::expect_gradients([&] { return nn::layer_norm(x, w, b); }, test::variables({&x, &w, &b}));
}

TEST(LayerNorm, HasTheParametersAskedFor) {
  nn::LayerNorm plain(3, {.weight = false, .bias = false}), whole(3);
  EXPECT_EQ(nn::count(plain), 0);
  EXPECT_EQ(nn::count(whole), 6);
  EXPECT_EQ(elements(whole.weight.value()), (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(plain(ones({2, 3})).shape(), (Dims{2, 3}));
}

TEST(LayerNorm, SaysWhatDoesNotFit) {
  EXPECT_ERROR(nn::LayerNorm(3)(ones({3, 4})), ShapeError,
               "layer_norm: x float32 [3, 4] does not end in the 3 features of the layer");
  EXPECT_ERROR(nn::layer_norm(ones({3, 4}), ones({3})), ShapeError,
               "layer_norm: x float32 [3, 4] wants a weight [4], got float32 [3]");
  EXPECT_ERROR(nn::LayerNorm(0), ShapeError, "layer_norm: 0 features; the number must be positive");
  EXPECT_ERROR(nn::LayerNorm(2, {.epsilon = -1}), ValueError,
               "layer_norm: epsilon is -1; it must not be negative");
}

}  // namespace
}  // namespace rw
