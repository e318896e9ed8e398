// Layer normalization.
#pragma once

#include "rewind/nn/members.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

// y = (x - mean) / sqrt(variance + epsilon) * weight + bias, with the mean and the variance (not
// its unbiased estimate) of the last axis. x [..., features]; weight and bias [features] or
// undefined. Ba, Kiros and Hinton, "Layer Normalization" (2016).
struct LayerNormOptions {
  double epsilon = 1e-5;
  bool weight = true;
  bool bias = true;
  Dtype dtype = float32;
};
Tensor layer_norm(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {},
                  double epsilon = 1e-5);

// The weight starts as ones, the bias as zeros.
struct LayerNorm {
  Parameter weight, bias;  // [features]; holding nothing in a layer without
  Index features;
  double epsilon;

  explicit LayerNorm(Index size, const LayerNormOptions& options = {});

  Tensor operator()(const Tensor& x) const;

  static void members(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("bias", self.bias);
  }
};

}  // namespace nn
}  // namespace rw
