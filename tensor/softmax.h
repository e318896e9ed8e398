// Softmax and its kin, from logits of any size: the greatest is subtracted first, so nothing
// overflows. float32 or float64 (DtypeError), accumulated in double.
//
// -inf is a probability of zero. Where the limit does not exist, all logits -inf or one +inf,
// softmax and log_softmax are NaN in the whole row, as in PyTorch, while logsumexp is -inf or inf.
// NaN spreads over its row and no further.
#pragma once

#include "rewind/tensor/axes.h"
#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {

// exp(x) / sum(exp(x)) along an axis.
struct Softmax {
  int axis;
  static constexpr std::string_view name = "softmax";
  static constexpr bool updates = true;
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

// x - log(sum(exp(x))) along an axis.
struct LogSoftmax {
  int axis;
  static constexpr std::string_view name = "log_softmax";
  static constexpr bool updates = true;
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

// log(sum(exp(x))) over axes, as in reduction.h. Of nothing: -inf.
struct LogSumExp : Reduction {
  static constexpr std::string_view name = "logsumexp";
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

// IndexError for an axis that x does not have.
Tensor softmax(Tensor x, Index axis);
Tensor log_softmax(Tensor x, Index axis);
Tensor logsumexp(const Tensor& x, Axes axes = {}, bool keepdims = false);

}  // namespace rw
