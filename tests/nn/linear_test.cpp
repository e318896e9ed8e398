// The linear layer: values, gradients, shapes, first weights.
#include "rewind/nn/linear.h"

#include "nn/differences.h"
#include "rewind/nn/parameters.h"
#include "rewind/tensor/views.h"
#include "support/elements.h"

namespace rw {
namespace {

using test::wave;

Tensor weight() { return tensor({{1.0, 2.0, 3.0}, {0.0, -1.0, 0.5}}); }

TEST(Linear, IsTheProductWithTheTransposedWeightPlusTheBias) {
  const Tensor y = nn::linear(tensor({{1.0, 0.0, 2.0}}), weight(), tensor({10.0, 20.0}));
  EXPECT_EQ(elements(y), (std::vector<double>{17, 21}));
}

TEST(Linear, TakesAnyLeadingAxes) {
  const Tensor x = wave({2, 3, 4, 5}), w = wave({6, 5}, 1), b = wave({6}, 2);
  const Tensor y = nn::linear(x, w, b);
  EXPECT_EQ(y.shape(), (Dims{2, 3, 4, 6}));
  const Tensor row = nn::linear(x[1][2][3], w, b);
  EXPECT_EQ(row.shape(), Dims{6});
  for (Index i = 0; i < 6; i++) EXPECT_NEAR(row[i].item(), y[1][2][3][i].item(), 1e-14);
  EXPECT_EQ(nn::linear(zeros({0, 3, 5}, float64), w).shape(), (Dims{0, 3, 6}));
}

TEST(Linear, HasRightGradients) {
  for (const Dims& shape : {Dims{3}, Dims{4, 3}, Dims{2, 2, 3}}) {
    const Parameter x(wave(shape), "x"), w(wave({5, 3}, 1), "w"), b(wave({5}, 2), "b");
    test::expect_gradients([&] { return nn::linear(x, w, b); }, test::variables({&x, &w, &b}));
  }
}

TEST(Linear, StartsWithinTheBoundsOfPyTorch) {
  Rng rng(1);
  nn::Linear layer(16, 50, rng, {.dtype = float64});
  double largest = 0;
  for (double w : elements(layer.weight.value())) largest = std::max(largest, std::abs(w));
  EXPECT_LE(largest, 0.25);
  EXPECT_GT(largest, 0.24);
  EXPECT_EQ(layer.bias.spec(), (Spec{{50}, float64}));
}

TEST(Linear, MayHaveNoBias) {
  Rng rng(1);
  nn::Linear layer(3, 2, rng, {.bias = false});
  EXPECT_EQ(nn::named_parameters(layer).size(), 1u);
  EXPECT_EQ(nn::count(layer), 6);
  EXPECT_EQ(layer(ones({4, 3})).shape(), (Dims{4, 2}));
}

TEST(Linear, SaysWhatDoesNotFit) {
  EXPECT_ERROR(nn::linear(ones({5, 2}), weight()), ShapeError,
               "linear: x float32 [5, 2] does not end in the 3 features that the weight float32 "
               "[2, 3] takes");
  EXPECT_ERROR(nn::linear(ones({5, 3}, float64), weight()), DtypeError,
               "linear: x float64 [5, 3] beside weight float32 [2, 3]; convert x with to(x, "
               "float32), or the model with nn::to");
  EXPECT_ERROR(nn::linear(ones({5, 3}), weight(), ones({3})), ShapeError,
               "linear: the weight float32 [2, 3] wants a bias [2], got float32 [3]");
  EXPECT_ERROR(nn::linear(ones({5, 3}), ones({3})), ShapeError,
               "linear: the weight must be [out, in], got float32 [3]");
  Rng rng(1);
  EXPECT_ERROR(nn::Linear(0, 4, rng), ShapeError,
               "linear: 0 inputs and 4 outputs; both must be positive");
}

}  // namespace
}  // namespace rw
