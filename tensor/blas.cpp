#include "rewind/tensor/blas.h"

#include <cblas.h>

#include <limits>
#include <type_traits>

#include "rewind/tensor/blas_repairs.h"
#include "rewind/tensor/error.h"
#include "rewind/tensor/parallel.h"

namespace rw::blas {
namespace {

int to_int(Index size) {
  require<ShapeError>(size <= std::numeric_limits<int>::max(),
                      "matmul: a size or stride of {} exceeds the {} that BLAS takes", size,
                      std::numeric_limits<int>::max());
  return static_cast<int>(size);
}

template <class T>
CBLAS_TRANSPOSE flag(const Matrix<T>& x) {
  return x.transposed ? CblasTrans : CblasNoTrans;
}

// y[i * step] += sum_j of a(i, j) x[j * x_step], for a [rows, columns] as it lies in memory.
template <class T>
void add_matrix_times_vector(CBLAS_TRANSPOSE transposed, int rows, int columns, const Matrix<T>& a,
                             const T* x, int x_step, T* y, int step) {
  if constexpr (std::is_same_v<T, float>) {
    cblas_sgemv(CblasRowMajor, transposed, rows, columns, 1, a.data, to_int(a.stride), x, x_step, 1,
                y, step);
  } else {
    cblas_dgemv(CblasRowMajor, transposed, rows, columns, 1, a.data, to_int(a.stride), x, x_step, 1,
                y, step);
  }
}

// Of a result that is a row or a column.
template <class T>
void product_with_vector(int m, int n, int k, const Matrix<T>& a, const Matrix<T>& b, T* c,
                         int stride, Onto onto) {
  // Zeros and beta = 1, because beta = 0 times a NaN that lay there is NaN in some kernels.
  if (onto == Onto::nothing) {
    const Index count = n == 1 ? m : n, step = n == 1 ? stride : 1;
    for (Index i = 0; i < count; i++) c[i * step] = 0;
  }
  if (n == 1) {
    const int step = b.transposed ? 1 : to_int(b.stride);
    return a.transposed ? add_matrix_times_vector(CblasTrans, k, m, a, b.data, step, c, stride)
                        : add_matrix_times_vector(CblasNoTrans, m, k, a, b.data, step, c, stride);
  }
  const int step = a.transposed ? to_int(a.stride) : 1;
  return b.transposed ? add_matrix_times_vector(CblasNoTrans, n, k, b, a.data, step, c, 1)
                      : add_matrix_times_vector(CblasTrans, k, n, b, a.data, step, c, 1);
}

template <class T>
void product(int m, int n, int k, const Matrix<T>& a, const Matrix<T>& b, T* c, int stride,
             Onto onto) {
  prepare();
  const SingleThreadedOpenMp alone;
  if (m == 1 || n == 1) return product_with_vector(m, n, k, a, b, c, stride, onto);
  const T beta = onto == Onto::sums ? 1 : 0;
  if constexpr (std::is_same_v<T, float>) {
    cblas_sgemm(CblasRowMajor, flag(a), flag(b), m, n, k, 1, a.data, to_int(a.stride), b.data,
                to_int(b.stride), beta, c, stride);
  } else {
    cblas_dgemm(CblasRowMajor, flag(a), flag(b), m, n, k, 1, a.data, to_int(a.stride), b.data,
                to_int(b.stride), beta, c, stride);
  }
}

}  // namespace

void multiply(Index m, Index n, Index k, Matrix<float> a, Matrix<float> b, float* c, Index stride,
              Onto onto) {
  product(to_int(m), to_int(n), to_int(k), a, b, c, to_int(stride), onto);
}

void multiply(Index m, Index n, Index k, Matrix<double> a, Matrix<double> b, double* c,
              Index stride, Onto onto) {
  product(to_int(m), to_int(n), to_int(k), a, b, c, to_int(stride), onto);
}

}  // namespace rw::blas
