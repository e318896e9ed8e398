// Dropout.
#pragma once

#include "rewind/nn/members.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

// While training() holds (tape.h), every element of x is zeroed with probability p, and those that
// stay are multiplied by 1 / (1 - p), so that the mean is that of x. Otherwise x itself. The draws
// come from the thread's Random stream: in a step of a scan one mask for each step. For one mask at
// all steps draw it before the scan, `mask = dropout(ones({batch, hidden}), p)`, and multiply by it
// in the step. p = 0 draws nothing; p = 1 gives zeros, with zero gradients. A dropped element is
// not looked at: NaN there changes nothing.
// Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (JMLR 15,
// 2014). Throws ValueError unless 0 <= p <= 1.
Tensor dropout(const Tensor& x, double p);

struct Dropout {
  double p;

  explicit Dropout(double probability);

  Tensor operator()(const Tensor& x) const { return dropout(x, p); }

  static void members(auto&, auto&&) {}
};

}  // namespace nn
}  // namespace rw
