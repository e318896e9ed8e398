// Binary cross-entropy.
#pragma once

#include "rewind/nn/loss/regression.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

// -(z log p + (1 - z) log(1 - p)) with p = sigmoid(x), from the logit x, as
// max(x, 0) - x z + log1p(exp(-|x|)), which no finite x overflows. Logits and targets, which are
// probabilities in [0, 1], have one shape and one dtype (ShapeError, DtypeError).
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets,
                                        LossOptions options = {});

}  // namespace nn
}  // namespace rw
