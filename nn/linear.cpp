#include "rewind/nn/linear.h"

#include <cmath>

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/views.h"

namespace rw::nn {
namespace {

void check(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  require<ShapeError>(weight.rank() == 2, "linear: the weight must be [out, in], got {}",
                      weight.spec());
  require<ShapeError>(x.rank() >= 1 && x.dim(-1) == weight.dim(1),
                      "linear: x {} does not end in the {} features that the weight {} takes",
                      x.spec(), weight.dim(1), weight.spec());
  require<DtypeError>(x.dtype() == weight.dtype(),
                      "linear: x {} beside weight {}; convert x with to(x, {}), or the model with "
                      "nn::to",
                      x.spec(), weight.spec(), weight.dtype());
  require<ShapeError>(!bias.defined() || bias.shape() == Dims{weight.dim(0)},
                      "linear: the weight {} wants a bias [{}], got {}", weight.spec(),
                      weight.dim(0), bias.defined() ? bias.spec() : Spec{});
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check(x, weight, bias);
  // One product over all leading axes: as a batch of products the gradient of the weight would be
  // a tensor per batch, summed afterwards.
  const bool flat = x.rank() <= 2;
  Tensor y = matmul(flat ? x : reshape(x, {-1, weight.dim(1)}), transpose(weight));
  if (bias.defined()) y = std::move(y) + bias;
  if (flat) return y;
  return reshape(y, x.shape().with(x.rank() - 1, weight.dim(0)));
}

Linear::Linear(Index in, Index out, Rng& rng, const LinearOptions& options) {
  require<ShapeError>(in > 0 && out > 0, "linear: {} inputs and {} outputs; both must be positive",
                      in, out);
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  const auto draw = [&](const Dims& shape) {
    return Parameter(uniform(shape, {.low = -bound, .high = bound, .dtype = options.dtype}, rng));
  };
  weight = draw({out, in});
  if (options.bias) bias = draw({out});
}

Tensor Linear::operator()(const Tensor& x) const {
  // Named, since compilers differ in the order of arguments, and gradients come in that of first
  // use.
  const Tensor w = weight;
  return linear(x, w, bias.defined() ? Tensor(bias) : Tensor());
}

}  // namespace rw::nn
