// Sums and products are in double, and neither is fused with the other: the square of a float is
// exact, that of a double would depend on the machine.
#include "rewind/optim/kernels/passes.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rewind/optim/kernels/passes.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "rewind/tensor/kernels/strip_inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::optim::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using rw::kernels::HWY_NAMESPACE::lanes_of;
using rw::kernels::HWY_NAMESPACE::load;
using rw::kernels::HWY_NAMESPACE::RowStrip;
using rw::kernels::HWY_NAMESPACE::store;

using Wide = hn::CappedTag<double, 8>;
template <class T>
using Narrow = hn::Rebind<T, Wide>;  // as many numbers of T

HWY_INLINE hn::Vec<Wide> widened(hn::Vec<Narrow<float>> v) { return hn::PromoteTo(Wide(), v); }
HWY_INLINE hn::Vec<Wide> widened(hn::Vec<Wide> v) { return v; }
HWY_INLINE hn::Vec<Narrow<float>> rounded(Narrow<float> d, hn::Vec<Wide> v) {
  return hn::DemoteTo(d, v);
}
HWY_INLINE hn::Vec<Wide> rounded(Wide, hn::Vec<Wide> v) { return v; }

template <class T>
double sum_of_squares_of(const T* x, Index n, double factor) {
  constexpr Index kLanes = 16, kVectors = kLanes / static_cast<Index>(hn::MaxLanes(Wide()));
  const Narrow<T> d;
  const auto by = hn::Set(Wide(), factor);
  hn::Vec<Wide> sums[kVectors];
  for (auto& sum : sums) sum = hn::Zero(Wide());
  const auto add = [&](const T* from) {
    for (Index k = 0; k < kVectors; k++) {
      const auto v = hn::Mul(by, widened(hn::LoadU(d, from + k * lanes_of(d))));
      sums[k] = hn::Add(sums[k], hn::Mul(v, v));
    }
  };
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) add(x + i);
  if (i < n) {
    T rest[kLanes] = {};
    std::copy(x + i, x + n, rest);
    add(rest);
  }
  HWY_ALIGN double lanes[kLanes];
  for (Index k = 0; k < kVectors; k++) hn::Store(sums[k], Wide(), lanes + k * lanes_of(Wide()));
  double total = 0;
  for (const double lane : lanes) total += lane;
  return total;
}

template <class T>
void scale_all(T* x, Index n, double factor) {
  const Narrow<T> d;
  const auto by = hn::Set(Wide(), factor);
  RowStrip{n}.each(d, [&](Index at, auto count) {
    store(d, rounded(d, hn::Mul(by, widened(load(d, x + at, count, T{0})))), x + at, count);
  });
}

// x - x is 0 or NaN.
template <class T>
bool all_are_finite(const T* x, Index n) {
  const hn::ScalableTag<T> d;
  auto found = hn::Zero(d);
  RowStrip{n}.each(d, [&](Index at, auto count) {
    const auto v = load(d, x + at, count, T{0});
    found = hn::Or(found, hn::Sub(v, v));
  });
  return hn::AllTrue(d, hn::Eq(found, hn::Zero(d)));
}

double sum_float(const float* x, Index n, double factor) { return sum_of_squares_of(x, n, factor); }
double sum_double(const double* x, Index n, double factor) {
  return sum_of_squares_of(x, n, factor);
}
void scale_float(float* x, Index n, double factor) { scale_all(x, n, factor); }
void scale_double(double* x, Index n, double factor) { scale_all(x, n, factor); }
bool finite_float(const float* x, Index n) { return all_are_finite(x, n); }
bool finite_double(const double* x, Index n) { return all_are_finite(x, n); }

}  // namespace HWY_NAMESPACE
}  // namespace rw::optim::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rw::optim::kernels {

HWY_EXPORT(sum_float);
HWY_EXPORT(sum_double);
HWY_EXPORT(scale_float);
HWY_EXPORT(scale_double);
HWY_EXPORT(finite_float);
HWY_EXPORT(finite_double);

double sum_of_squares(const float* x, Index n, double factor) {
  return HWY_DYNAMIC_DISPATCH(sum_float)(x, n, factor);
}
double sum_of_squares(const double* x, Index n, double factor) {
  return HWY_DYNAMIC_DISPATCH(sum_double)(x, n, factor);
}
void scale(float* x, Index n, double factor) { HWY_DYNAMIC_DISPATCH(scale_float)(x, n, factor); }
void scale(double* x, Index n, double factor) { HWY_DYNAMIC_DISPATCH(scale_double)(x, n, factor); }
bool all_finite(const float* x, Index n) { return HWY_DYNAMIC_DISPATCH(finite_float)(x, n); }
bool all_finite(const double* x, Index n) { return HWY_DYNAMIC_DISPATCH(finite_double)(x, n); }

}  // namespace rw::optim::kernels
#endif
