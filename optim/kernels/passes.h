// The passes over gradients between `backward` and `step`, as vector code chosen for this machine
// at run time.
#pragma once

#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {
namespace optim {
namespace kernels {

// The sum of (factor * x[i])^2, in double. Element i goes to lane i mod 16, and the lanes are added
// in order: the same bits on every machine.
double sum_of_squares(const float* x, Index n, double factor);
double sum_of_squares(const double* x, Index n, double factor);

// x[i] *= factor, with one rounding.
void scale(float* x, Index n, double factor);
void scale(double* x, Index n, double factor);

// Whether there is neither a NaN nor an infinity in it.
bool all_finite(const float* x, Index n);
bool all_finite(const double* x, Index n);

}  // namespace kernels
}  // namespace optim
}  // namespace rw
