// Weights of which no two numbers are alike.
#pragma once

#include "rewind/tensor/creation.h"

namespace rw::test {

inline Tensor ramp(const Dims& shape) {
  Tensor x = zeros(shape);
  float k = 0;
  for (float& v : x.mutable_span<float>()) v = 0.01f * (k += 1) - 0.3f;
  return x;
}

}  // namespace rw::test
