// exp, log, tanh and sigmoid over arrays, as vector code chosen for this machine at run time.
//
// Element i of y depends on element i of x alone: the same bits at any position, length and
// alignment. (Machines with and without fused multiply-add may differ in the last bits.)
//
// Accuracy, in units in the last place of the exact result rounded to T, a subnormal result
// counting in steps of the smallest subnormal:
// at most 1.1 for exp and log and 2.6 for tanh and sigmoid: over all 2^32 floats, and for double on
// every sample tried. Measured figures stand in transcendental_inl.h.
//
// NaN gives NaN. exp: 0 far below and infinity above the range of T; log: -infinity at both zeros,
// NaN below; tanh: odd, -0 kept, exactly 1 from where that is the nearest number; sigmoid: falls
// through the subnormals to 0, reaches 1. No finite argument raises the overflow, invalid or
// divide-by-zero exception of the floating-point unit, not even exp where it returns infinity.
// Subnormal arguments and results are honoured unless the caller has switched the processor to
// flush them.
#pragma once

#include <string_view>

#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {
namespace kernels {

// y[i] = f(x[i]) for 0 <= i < n; n may be 0. x and y are the same array or do not overlap.
void exp(const float* x, float* y, Index n);
void exp(const double* x, double* y, Index n);
void log(const float* x, float* y, Index n);
void log(const double* x, double* y, Index n);
void tanh(const float* x, float* y, Index n);
void tanh(const double* x, double* y, Index n);
void sigmoid(const float* x, float* y, Index n);  // 1 / (1 + exp(-x))
void sigmoid(const double* x, double* y, Index n);

// The instruction set that the functions above run on here: "AVX3" (AVX-512), "AVX2", "SSE4",
// "NEON", ...; "EMU128" is plain C++ for whatever the compiler was allowed to use.
std::string_view simd_target();

}  // namespace kernels
}  // namespace rw
