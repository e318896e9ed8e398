// OpenBLAS, and two repairs of it.
//
// The core. OpenBLAS chooses its kernels by the model number of the processor when it is loaded,
// and a release takes models that came after it for a Pentium 4: OpenBLAS 0.3.21 (Debian 12) ran a
// server processor with AVX-512 at 39 instead of 171 GF/s. So at the first product we compare the
// core it chose with what the processor can do. If it is too old, OPENBLAS_CORETYPE is set for a
// moment and OpenBLAS chooses again, by the two functions that its own constructor calls; the
// environment is as before afterwards. A user who set the variable has chosen, and is left alone.
// This happens at the first product and not when the library is loaded, so that a program which
// merely loads us is not disturbed. A product that another thread runs through OpenBLAS by itself
// at that moment is not protected.
//
// The threads. Every call here runs on its calling thread; parallel work is cut above (matmul.cpp),
// where the cut can depend on sizes alone. OpenBLAS's own cut depends on the number of threads, and
// with it the last bits of the result; and changing that number is a change of the whole process,
// which frees buffers that a product of another thread may be using.
//
// OpenBLAS's own functions are weak references: without them (another BLAS, or a build for one
// kind of processor) there is nothing to repair and products work all the same.
#include "rewind/tensor/blas.h"

#include <cblas.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <span>
#include <type_traits>

#include "rewind/tensor/error.h"
#include "rewind/tensor/parallel.h"

extern "C" {
[[gnu::weak]] char* openblas_get_corename();
[[gnu::weak]] char* openblas_get_config();
[[gnu::weak]] int openblas_get_parallel();
[[gnu::weak]] void openblas_set_num_threads(int);
[[gnu::weak]] void gotoblas_dynamic_quit();
[[gnu::weak]] void gotoblas_dynamic_init();
}

namespace rw::blas {
namespace {

constexpr std::string_view kBeforeAvx[] = {
    "Unknown",      "Katmai",    "Coppermine", "Northwood", "Prescott", "Banias",
    "Core2",        "Penryn",    "Dunnington", "Nehalem",   "Athlon",   "Opteron",
    "Opteron_SSE3", "Barcelona", "Bobcat",     "Atom",      "Nano"};
constexpr std::string_view kBeforeAvx2[] = {"Sandybridge", "Bulldozer", "Piledriver",
                                            "Steamroller"};

bool one_of(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Processor this_processor() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  Processor p;
  p.amd = __builtin_cpu_is("amd");
  p.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  p.avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
  return p;
#else
  return {};
#endif
}

void choose_again(std::string_view core) {
  setenv("OPENBLAS_CORETYPE", std::string(core).c_str(), 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv("OPENBLAS_CORETYPE");
}

bool repair() {
  // OpenBLAS's own kind of threads knows no per-thread limit.
  if (openblas_get_parallel && openblas_set_num_threads && openblas_get_parallel() == 1) {
    openblas_set_num_threads(1);
  }
  if (!openblas_get_corename || !gotoblas_dynamic_quit || !gotoblas_dynamic_init) return true;
  if (std::getenv("OPENBLAS_CORETYPE")) return true;
  const auto better = better_core(this_processor(), openblas_get_corename());
  if (better) choose_again(*better);
  return true;
}

void prepare() { [[maybe_unused]] static const bool done = repair(); }

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

std::string config() { return openblas_get_config ? openblas_get_config() : "unknown"; }

std::string core() {
  prepare();
  return openblas_get_corename ? openblas_get_corename() : "unknown";
}

std::optional<std::string_view> better_core(const Processor& processor, std::string_view detected) {
  const bool old = one_of(kBeforeAvx, detected) || one_of(kBeforeAvx2, detected);
  if (!old || !processor.avx2) return std::nullopt;
  if (processor.amd) return "Zen";
  return processor.avx512 ? "SkylakeX" : "Haswell";
}

}  // namespace rw::blas
