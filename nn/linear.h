// The linear layer.
#pragma once

#include "rewind/nn/members.h"
#include "rewind/tensor/random.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

// y = x W^T + b: x [..., in], weight [out, in], bias [out] or undefined; y [..., out].
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

struct LinearOptions {
  bool bias = true;
  Dtype dtype = float32;
};

// Weights and bias start as U(-1/sqrt(in), 1/sqrt(in)), as in PyTorch.
struct Linear {
  Parameter weight;  // [out, in]
  Parameter bias;    // [out]; holds nothing in a layer without

  Linear(Index in, Index out, Rng& rng, const LinearOptions& options = {});

  Tensor operator()(const Tensor& x) const;

  static void members(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("bias", self.bias);
  }
};

}  // namespace nn
}  // namespace rw
