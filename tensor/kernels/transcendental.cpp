// exp, log, tanh and sigmoid over arrays: transcendental_inl.h for every instruction set, and the
// choice among them.
#include "rewind/tensor/kernels/transcendental.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rewind/tensor/kernels/transcendental.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "rewind/tensor/kernels/transcendental_inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The tail goes through a padded vector and the same code, so that position does not matter.
template <class F, class T>
HWY_INLINE void each(const T* x, T* y, Index n) {
  const hn::ScalableTag<T> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(F()(d, hn::LoadU(d, x + i)), d, y + i);
  if (i == n) return;
  HWY_ALIGN T rest[hn::MaxLanes(d)] = {};
  for (Index k = i; k < n; ++k) rest[k - i] = x[k];
  hn::Store(F()(d, hn::Load(d, rest)), d, rest);
  for (Index k = i; k < n; ++k) y[k] = rest[k - i];
}

void exp_float(const float* x, float* y, Index n) { each<Exp>(x, y, n); }
void exp_double(const double* x, double* y, Index n) { each<Exp>(x, y, n); }
void log_float(const float* x, float* y, Index n) { each<Log>(x, y, n); }
void log_double(const double* x, double* y, Index n) { each<Log>(x, y, n); }
void tanh_float(const float* x, float* y, Index n) { each<Tanh>(x, y, n); }
void tanh_double(const double* x, double* y, Index n) { each<Tanh>(x, y, n); }
void sigmoid_float(const float* x, float* y, Index n) { each<Sigmoid>(x, y, n); }
void sigmoid_double(const double* x, double* y, Index n) { each<Sigmoid>(x, y, n); }
const char* target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace HWY_NAMESPACE
}  // namespace rw::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rw::kernels {

HWY_EXPORT(exp_float);
HWY_EXPORT(exp_double);
HWY_EXPORT(log_float);
HWY_EXPORT(log_double);
HWY_EXPORT(tanh_float);
HWY_EXPORT(tanh_double);
HWY_EXPORT(sigmoid_float);
HWY_EXPORT(sigmoid_double);
HWY_EXPORT(target_name);

void exp(const float* x, float* y, Index n) { HWY_DYNAMIC_DISPATCH(exp_float)(x, y, n); }
void exp(const double* x, double* y, Index n) { HWY_DYNAMIC_DISPATCH(exp_double)(x, y, n); }
void log(const float* x, float* y, Index n) { HWY_DYNAMIC_DISPATCH(log_float)(x, y, n); }
void log(const double* x, double* y, Index n) { HWY_DYNAMIC_DISPATCH(log_double)(x, y, n); }
void tanh(const float* x, float* y, Index n) { HWY_DYNAMIC_DISPATCH(tanh_float)(x, y, n); }
void tanh(const double* x, double* y, Index n) { HWY_DYNAMIC_DISPATCH(tanh_double)(x, y, n); }
void sigmoid(const float* x, float* y, Index n) { HWY_DYNAMIC_DISPATCH(sigmoid_float)(x, y, n); }
void sigmoid(const double* x, double* y, Index n) { HWY_DYNAMIC_DISPATCH(sigmoid_double)(x, y, n); }

std::string_view simd_target() { return HWY_DYNAMIC_DISPATCH(target_name)(); }

}  // namespace rw::kernels
#endif
