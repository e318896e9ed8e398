#include "rewind/nn/loss/reduction.h"

#include "rewind/tensor/reduction.h"

namespace rw::nn {

Tensor reduce(const Tensor& losses, Reduction reduction) {
  if (reduction == Reduction::none) return losses;
  // The mean of nothing would be NaN, and a step that had nothing to learn from would end training.
  const bool mean_of_some = reduction == Reduction::mean && losses.size() > 0;
  return mean_of_some ? mean(losses) : sum(losses);
}

}  // namespace rw::nn
