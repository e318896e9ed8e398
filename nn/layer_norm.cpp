#include "rewind/nn/layer_norm.h"

#include "rewind/tensor/creation.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/unary.h"

namespace rw::nn {
namespace {

void check_scale(std::string_view what, const Tensor& scale, const Tensor& x) {
  require<ShapeError>(!scale.defined() || scale.shape() == Dims{x.dim(-1)},
                      "layer_norm: x {} wants a {} [{}], got {}", x.spec(), what, x.dim(-1),
                      scale.defined() ? scale.spec() : Spec{});
}

Tensor value_or_nothing(const Parameter& parameter) {
  return parameter.defined() ? Tensor(parameter) : Tensor();
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double epsilon) {
  require<ShapeError>(x.rank() >= 1, "layer_norm: x has no axis to normalize over, {}", x.spec());
  require(epsilon >= 0, "layer_norm: epsilon is {}; it must not be negative", epsilon);
  check_scale("weight", weight, x);
  check_scale("bias", bias, x);
  const Tensor centered = x - mean(x, -1, true);
  const Tensor variance = mean(square(centered), -1, true);
  Tensor y = centered * rsqrt(variance + epsilon);
  if (weight.defined()) y = std::move(y) * weight;
  if (bias.defined()) y = std::move(y) + bias;
  return y;
}

LayerNorm::LayerNorm(Index size, const LayerNormOptions& options)
    : features(size), epsilon(options.epsilon) {
  require<ShapeError>(size > 0, "layer_norm: {} features; the number must be positive", size);
  require(epsilon >= 0, "layer_norm: epsilon is {}; it must not be negative", epsilon);
  if (options.weight) weight = Parameter(ones({size}, options.dtype));
  if (options.bias) bias = Parameter(zeros({size}, options.dtype));
}

Tensor LayerNorm::operator()(const Tensor& x) const {
  require<ShapeError>(x.rank() >= 1 && x.dim(-1) == features,
                      "layer_norm: x {} does not end in the {} features of the layer", x.spec(),
                      features);
  return layer_norm(x, value_or_nothing(weight), value_or_nothing(bias), epsilon);
}

}  // namespace rw::nn
