// The rules of softmax and log_softmax as operations, for rewinds that nobody records: dx from dy
// and y, along the axis of the softmax.
#pragma once

#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {

struct SoftmaxBackward {
  int axis;
  static constexpr std::string_view name = "softmax_backward";
  Spec infer(const Spec& dy, const Spec& y) const;
  void run(const Tensor& dy, const Tensor& y, Tensor& dx) const;
};

struct LogSoftmaxBackward {
  int axis;
  static constexpr std::string_view name = "log_softmax_backward";
  Spec infer(const Spec& dy, const Spec& y) const;
  void run(const Tensor& dy, const Tensor& y, Tensor& dx) const;
};

}  // namespace rw
