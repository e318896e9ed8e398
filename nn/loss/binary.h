// Binary cross-entropy.
#pragma once

#include "rewind/nn/loss/regression.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

// -(z log p + (1 - z) log(1 - p)) with p = sigmoid(x), from the logit x, as
// z softplus(-x) + (1 - z) softplus(x): no finite x overflows, and a confident logit that is right
// keeps the digits of its small loss. Logits and targets, which are probabilities in [0, 1], have
// one shape and one dtype (ShapeError, DtypeError).
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets,
                                        LossOptions options = {});

}  // namespace nn
}  // namespace rw
