// Products of dense matrices by BLAS. Only blas.cpp and blas_repairs.cpp speak to OpenBLAS.
#pragma once

#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {
namespace blas {

// A matrix that lies in memory row after row with `stride` elements from one to the next; or, when
// `transposed`, column after column.
template <class T>
struct Matrix {
  const T* data;
  Index stride;
  bool transposed;
};

// What becomes of the numbers that a result finds in its place: they are not read, or added to.
enum class Onto : bool { nothing, sums };

// c = a b or c += a b, for a [m, k], b [k, n] and c [m, n], all sizes at least 1, on the calling
// thread alone. Row i of c starts at c + i * stride. Throws ShapeError when a size or stride does
// not fit BLAS's 32-bit integers.
void multiply(Index m, Index n, Index k, Matrix<float> a, Matrix<float> b, float* c, Index stride,
              Onto onto = Onto::nothing);
void multiply(Index m, Index n, Index k, Matrix<double> a, Matrix<double> b, double* c,
              Index stride, Onto onto = Onto::nothing);

}  // namespace blas
}  // namespace rw
