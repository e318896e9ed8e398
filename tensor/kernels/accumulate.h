// sums[i] += x[i], the sums in double: a row of a sum over columns. `soon` is where such a row will
// be read a little later, rows far apart being what no processor foresees; null: nowhere.
#pragma once

#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {
namespace kernels {

void accumulate(const float* x, Index n, double* sums, const float* soon);
void accumulate(const double* x, Index n, double* sums, const double* soon);

}  // namespace kernels
}  // namespace rw
