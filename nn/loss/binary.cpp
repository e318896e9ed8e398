#include "rewind/nn/loss/binary.h"

#include "rewind/tensor/activation.h"
#include "rewind/tensor/arithmetic.h"

namespace rw::nn {

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets,
                                        LossOptions options) {
  require_alike("binary_cross_entropy_with_logits", logits, targets);
  return reduce((1 - targets) * softplus(logits) + targets * softplus(-logits), options.reduction);
}

}  // namespace rw::nn
