// Products of dense matrices by BLAS. Only this file and its .cpp speak to OpenBLAS.
#pragma once

#include <optional>
#include <string>
#include <string_view>

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

// What OpenBLAS says of its build, and the processor whose kernels it runs. "unknown" for another
// BLAS.
std::string config();
std::string core();

// What matters of a processor for the choice of kernels.
struct Processor {
  bool amd = false;
  bool avx2 = false;    // with FMA
  bool avx512 = false;  // F, CD, BW, DQ and VL
};

// The core that OpenBLAS should run on a processor instead of the one that it detected, if that one
// is older than the processor by a generation of vector instructions. Names that are not known to
// be old are trusted.
std::optional<std::string_view> better_core(const Processor& processor, std::string_view detected);

}  // namespace blas
}  // namespace rw
