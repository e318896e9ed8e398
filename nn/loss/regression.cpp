#include "rewind/nn/loss/regression.h"

#include "rewind/tensor/activation.h"
#include "rewind/tensor/rounding.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/unary.h"

namespace rw::nn {

void require_alike(std::string_view op, const Tensor& prediction, const Tensor& target) {
  require<ShapeError>(prediction.shape() == target.shape(),
                      "{}: prediction {} and target {} differ in shape; reshape one of them", op,
                      prediction.spec(), target.spec());
  require<DtypeError>(is_float(prediction.dtype()) && prediction.dtype() == target.dtype(),
                      "{}: prediction {} and target {} must both be float32, or both float64", op,
                      prediction.spec(), target.spec());
}

Tensor mse(const Tensor& prediction, const Tensor& target, LossOptions options) {
  require_alike("mse", prediction, target);
  return reduce(square(prediction - target), options.reduction);
}

Tensor l1(const Tensor& prediction, const Tensor& target, LossOptions options) {
  require_alike("l1", prediction, target);
  return reduce(abs(prediction - target), options.reduction);
}

Tensor huber(const Tensor& prediction, const Tensor& target, HuberOptions options) {
  require_alike("huber", prediction, target);
  require(options.delta > 0, "huber: delta is {}; it must be positive", options.delta);
  // With c = d cut off at delta both branches are c (d - c / 2).
  const Tensor d = prediction - target;
  const Tensor c = clamp(d, {.min = -options.delta, .max = options.delta});
  return reduce(c * (d - 0.5 * c), options.reduction);
}

Tensor quantile(const Tensor& prediction, const Tensor& target, double q, LossOptions options) {
  require_alike("quantile", prediction, target);
  require(q > 0 && q < 1, "quantile: q is {}; it must lie between 0 and 1", q);
  const Tensor d = prediction - target;
  // Not relu(d) - q d: that is infinity less infinity for an infinite d.
  return reduce((1 - q) * relu(d) + q * relu(-d), options.reduction);
}

}  // namespace rw::nn
