// The product of matrices, vectors and batches of matrices.
#pragma once

#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {

// NumPy's matmul. [m, k] x [k, n] is [m, n]. Axes before the last two are batches, and broadcast. A
// vector on the left is a row, on the right a column, and its axis is absent from the result:
// [k] x [k] is a scalar. With k = 0 the sums are empty and the result is zero.
//
// Operands have one dtype, float32 or float64 (DtypeError). Transposed views, and matrices and
// vectors cut out of larger ones, are read where they lie; an operand that no BLAS flag describes
// is copied first, without its repetitions if it is broadcast. The bits of the result do not depend
// on the number of threads.
struct MatMul {
  static constexpr std::string_view name = "matmul";
  Spec infer(const Spec& a, const Spec& b) const;
  void run(const Tensor& a, const Tensor& b, Tensor& out) const;
};

Tensor matmul(const Tensor& a, const Tensor& b);

// total += a b, for matrices [m, k] and [k, n] of one dtype, where a caller adds up many products:
// no result is made and added. Seen by no interpreter, so without a gradient. total [m, n] is
// contiguous and nobody else's.
void add_matmul(const Tensor& a, const Tensor& b, Tensor& total);

}  // namespace rw
