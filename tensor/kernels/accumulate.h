// sums[i] += x[i], the sums in double: a row of a sum over columns.
#pragma once

#include "rewind/tensor/index.h"

namespace rw::kernels {

void accumulate(const float* x, Index n, double* sums);
void accumulate(const double* x, Index n, double* sums);

}  // namespace rw::kernels
