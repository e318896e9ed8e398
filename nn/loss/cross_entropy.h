// Cross-entropy from logits.
#pragma once

#include "rewind/nn/loss/reduction.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

struct CrossEntropyOptions {
  Index ignore_index = -100;   // class targets of this value do not count
  double label_smoothing = 0;  // in [0, 1]: so much of a target is spread evenly over all classes
  Tensor weight = {};          // [classes], of the logits' dtype: how much each class counts
  Reduction reduction = Reduction::mean;
};

// The loss of logits [..., classes], as PyTorch defines it, for targets that are
//
//   int64 [...]            classes: -w[t] log softmax(logits)[t]. The mean divides by the sum of
//                          the w[t] that count.
//   floats [..., classes]  probabilities p: -sum over c of w[c] p[c] log softmax(logits)[c]. The
//                          mean divides by the number of rows. p[c] = 0 contributes 0, whatever the
//                          logit.
//
// With smoothing e a target is (1 - e) times itself plus e / classes for every class. Targets that
// are ignored contribute nothing: their logits are not looked at (NaN there changes nothing) and
// their gradients are 0. If none counts, the mean is 0, with zero gradients. (PyTorch gives NaN.)
// With Reduction::none, a loss per target, 0 where it is ignored.
//
// Throws IndexError for a class outside [0, classes), with its position; ShapeError, DtypeError.
Tensor cross_entropy(const Tensor& logits, const Tensor& targets,
                     const CrossEntropyOptions& options = {});

}  // namespace nn
}  // namespace rw
