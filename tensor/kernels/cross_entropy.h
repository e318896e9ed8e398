// The cross-entropy of a row of logits with a class, as vector code chosen for this machine at run
// time.
#pragma once

#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {
namespace kernels {

// With e = smoothing the row's loss is the sum over its n classes of -q[c] log softmax(x)[c], where
// q[c] is e / n, and 1 - e more for the class that is meant.
struct ClassTarget {
  Index classes;  // n
  Index target;
  double smoothing;
};

template <class T>
struct RowLoss {
  T loss;
  T greatest, log_sum;  // of the logits; of exp(logit - greatest): what the gradient wants
};
RowLoss<float> cross_entropy(const float* x, ClassTarget of);
RowLoss<double> cross_entropy(const double* x, ClassTarget of);

// dx = dy (softmax(x) - q). dx may be x. A row without a softmax (log_sum is NaN) counts as one of
// probabilities of 0.
void cross_entropy_backward(const float* x, ClassTarget of, RowLoss<float> row, float dy,
                            float* dx);
void cross_entropy_backward(const double* x, ClassTarget of, RowLoss<double> row, double dy,
                            double* dx);

}  // namespace kernels
}  // namespace rw
