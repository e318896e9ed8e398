// Losses of numbers: values by hand, gradients, reductions, errors.
#include "rewind/nn/loss/regression.h"

#include <cmath>

#include "nn/differences.h"
#include "rewind/nn/loss/binary.h"
#include "support/elements.h"

namespace rw {
namespace {

using test::wave;

TEST(Regression, HasTheValuesOfTheFormulas) {
  const Tensor x = tensor({1.0, 5.0, -2.0, 0.0}), z = tensor({0.5, 2.0, 0.0, 0.0});
  const nn::LossOptions none{nn::Reduction::none};
  EXPECT_EQ(elements(nn::mse(x, z, none)), (std::vector<double>{0.25, 9, 4, 0}));
  EXPECT_EQ(elements(nn::l1(x, z, none)), (std::vector<double>{0.5, 3, 2, 0}));
  EXPECT_EQ(elements(nn::huber(x, z, {.reduction = nn::Reduction::none})),
            (std::vector<double>{0.125, 2.5, 1.5, 0}));
  EXPECT_EQ(elements(nn::quantile(x, z, 0.75, none)), (std::vector<double>{0.125, 0.75, 1.5, 0}));
}

TEST(Regression, IsReducedAsAsked) {
  const Tensor x = tensor({1.0, 3.0}), z = zeros({2});
  EXPECT_EQ(nn::l1(x, z).item(), 2);
  EXPECT_EQ(nn::l1(x, z, {nn::Reduction::sum}).item(), 4);
  EXPECT_EQ(nn::mse(zeros({0}), zeros({0})).item(), 0);
}

TEST(Regression, HasRightGradients) {
  const Parameter x(3 * wave({3, 4}), "x"), z(wave({3, 4}, 1), "z");
  const auto both = [&] { return test::variables({&x, &z}); };
  test::expect_gradients([&] { return nn::mse(x, z); }, both());
  test::expect_gradients([&] { return nn::l1(x, z, {nn::Reduction::none}); }, both());
  test::expect_gradients([&] { return nn::huber(x, z, {.delta = 0.7}); }, both());
  test::expect_gradients([&] { return nn::quantile(x, z, 0.2); }, both());
  test::expect_gradients([&] { return nn::binary_cross_entropy_with_logits(x, z); }, both());
}

TEST(Regression, AConfidentRightLogitKeepsTheDigitsOfItsLoss) {
  const Tensor x = tensor({40.0, -40.0}), z = tensor({1.0, 0.0});
  const auto loss = elements(nn::binary_cross_entropy_with_logits(x, z, {nn::Reduction::none}));
  for (double value : loss) EXPECT_NEAR(value / std::exp(-40.0), 1, 1e-6);
}

TEST(Regression, QuantileIsLeastAtTheQuantile) {
  const Tensor z = arange(0, 101, 1, float64);
  const auto loss_at = [&](double x) {
    return nn::quantile(full({101}, x, float64), z, 0.9).item();
  };
  EXPECT_LT(loss_at(90), loss_at(89));
  EXPECT_LT(loss_at(90), loss_at(91));
}

TEST(Regression, AnInfiniteDifferenceIsAnInfiniteLoss) {
  const Tensor x = tensor({HUGE_VAL, -HUGE_VAL}), z = zeros({2});
  const nn::LossOptions none{nn::Reduction::none};
  const std::vector<double> expected(2, HUGE_VAL);
  EXPECT_EQ(elements(nn::mse(x, z, none)), expected);
  EXPECT_EQ(elements(nn::l1(x, z, none)), expected);
  EXPECT_EQ(elements(nn::huber(x, z, {.reduction = nn::Reduction::none})), expected);
  EXPECT_EQ(elements(nn::quantile(x, z, 0.75, none)), expected);
}

TEST(Regression, RefusesToBroadcast) {
  EXPECT_ERROR(nn::mse(ones({3, 1}), ones({3})), ShapeError,
               "mse: prediction float32 [3, 1] and target float32 [3] differ in shape; reshape one "
               "of them");
  EXPECT_ERROR(nn::l1(ones({3}), ones({3}, float64)), DtypeError,
               "l1: prediction float32 [3] and target float64 [3] must both be float32, or both "
               "float64");
  EXPECT_ERROR(nn::huber(ones({3}), ones({3}), {.delta = 0}), ValueError,
               "huber: delta is 0; it must be positive");
  EXPECT_ERROR(nn::quantile(ones({3}), ones({3}), 1), ValueError,
               "quantile: q is 1; it must lie between 0 and 1");
}

}  // namespace
}  // namespace rw
