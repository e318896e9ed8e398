// What becomes of a loss per element.
#pragma once

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

enum class Reduction {
  mean,  // of nothing: 0
  sum,
  none,
};

Tensor reduce(const Tensor& losses, Reduction reduction);

}  // namespace nn
}  // namespace rw
