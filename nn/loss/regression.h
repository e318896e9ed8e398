// Losses of numbers against numbers. Prediction and target have one shape and one dtype, float32 or
// float64; nothing is broadcast (ShapeError), since [batch, 1] against [batch] would silently
// compare everything with everything. With d = prediction - target, per element:
//
//   mse        d^2
//   l1         |d|
//   huber      d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2)
//   quantile   q (-d) where d < 0, else (1 - q) d: least at the q-th quantile of the targets
//
// Huber, "Robust estimation of a location parameter" (1964); Koenker and Bassett, "Regression
// quantiles" (1978).
#pragma once

#include "rewind/nn/loss/reduction.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

struct LossOptions {
  Reduction reduction = Reduction::mean;
};

struct HuberOptions {
  double delta = 1;  // positive
  Reduction reduction = Reduction::mean;
};

Tensor mse(const Tensor& prediction, const Tensor& target, LossOptions options = {});
Tensor l1(const Tensor& prediction, const Tensor& target, LossOptions options = {});
Tensor huber(const Tensor& prediction, const Tensor& target, HuberOptions options = {});
// Throws ValueError unless 0 < q < 1.
Tensor quantile(const Tensor& prediction, const Tensor& target, double q, LossOptions options = {});

// Throws unless prediction and target agree as described, in the name of a loss.
void require_alike(std::string_view op, const Tensor& prediction, const Tensor& target);

}  // namespace nn
}  // namespace rw
