// Activation functions as layers, for Sequential and for models that store their choice.
#pragma once

#include "rewind/nn/members.h"
#include "rewind/tensor/activation.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

struct Tanh {
  Tensor operator()(const Tensor& x) const { return tanh(x); }
  static void members(auto&, auto&&) {}
};

struct Sigmoid {
  Tensor operator()(const Tensor& x) const { return sigmoid(x); }
  static void members(auto&, auto&&) {}
};

struct Relu {
  Tensor operator()(const Tensor& x) const { return relu(x); }
  static void members(auto&, auto&&) {}
};

struct Softplus {
  Tensor operator()(const Tensor& x) const { return softplus(x); }
  static void members(auto&, auto&&) {}
};

struct Gelu {
  GeluOptions options = {};
  Tensor operator()(const Tensor& x) const { return gelu(x, options); }
  static void members(auto&, auto&&) {}
};

}  // namespace nn
}  // namespace rw
