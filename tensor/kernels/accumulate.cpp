#include "rewind/tensor/kernels/accumulate.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rewind/tensor/kernels/accumulate.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rw::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Sums = hn::ScalableTag<double>;

HWY_INLINE auto load_as_double(Sums d, const double* x) { return hn::LoadU(d, x); }
HWY_INLINE auto load_as_double(Sums d, const float* x) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, Sums>(), x));
}

template <class T>
HWY_INLINE void accumulate_row(const T* HWY_RESTRICT x, Index n, double* HWY_RESTRICT sums,
                               const T* soon) {
  constexpr Index kLine = 64 / static_cast<Index>(sizeof(T));
  for (Index i = 0; soon && i < n; i += kLine) hwy::Prefetch(soon + i);
  const Sums d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(hn::Add(hn::LoadU(d, sums + i), load_as_double(d, x + i)), d, sums + i);
  }
  for (; i < n; i++) sums[i] += static_cast<double>(x[i]);
}

void accumulate_float(const float* x, Index n, double* sums, const float* soon) {
  accumulate_row(x, n, sums, soon);
}
void accumulate_double(const double* x, Index n, double* sums, const double* soon) {
  accumulate_row(x, n, sums, soon);
}

}  // namespace HWY_NAMESPACE
}  // namespace rw::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rw::kernels {

HWY_EXPORT(accumulate_float);
HWY_EXPORT(accumulate_double);

void accumulate(const float* x, Index n, double* sums, const float* soon) {
  HWY_DYNAMIC_DISPATCH(accumulate_float)(x, n, sums, soon);
}
void accumulate(const double* x, Index n, double* sums, const double* soon) {
  HWY_DYNAMIC_DISPATCH(accumulate_double)(x, n, sums, soon);
}

}  // namespace rw::kernels
#endif
