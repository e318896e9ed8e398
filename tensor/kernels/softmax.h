// Softmax, its logarithm and their gradients as vector code chosen for this machine at run time.
#pragma once

#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {
namespace kernels {

// A table of n rows by `width` columns, row after row: each column has its softmax. Infinities and
// NaN as softmax.h has them. y is x or does not overlap it. The bits of a column depend neither on
// its place nor on the others, unless there are none: a width of 1 is one run of n numbers, whose
// sum goes in another order.
struct Table {
  Index n, width;
};
void softmax(const float* x, float* y, Table table);
void softmax(const double* x, double* y, Table table);
void log_softmax(const float* x, float* y, Table table);
void log_softmax(const double* x, double* y, Table table);

// dx from dy and y, the result above; dx may be dy. A result that is NaN counts as a probability
// of 0.
void softmax_backward(const float* dy, const float* y, float* dx, Table table);
void softmax_backward(const double* dy, const double* y, double* dx, Table table);
void log_softmax_backward(const float* dy, const float* y, float* dx, Table table);
void log_softmax_backward(const double* dy, const double* y, double* dx, Table table);

// log(sum(exp(x))) of a run of n numbers: of nothing -inf, with a greatest that is infinite that.
double log_sum_exp(const float* x, Index n);
double log_sum_exp(const double* x, Index n);

}  // namespace kernels
}  // namespace rw
