// Strips: numbers that belong together, met a vector at a time. Included by .cpp files that are
// compiled once per instruction set.
//
// A row is one run of n neighbouring numbers, and what is folded over it ends with the lanes folded
// into one number. Columns are up to a vector's worth of neighbouring columns of a matrix, and each
// lane keeps its own. A loop that is written for strips does both:
//
//   V most = Set(d, -infinity);
//   strip.each(d, [&](Index at, auto count) { most = Max(most, load(d, x + at, count, ...)); });
//   most = strip.greatest(d, most);
//
// Tails go through padded vectors and the same code, so the bits of a result do not depend on where
// in memory, or among which others, its numbers stand.
#if defined(REWIND_TENSOR_KERNELS_STRIP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_TENSOR_KERNELS_STRIP_INL_H
#undef REWIND_TENSOR_KERNELS_STRIP_INL_H
#else
#define REWIND_TENSOR_KERNELS_STRIP_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "rewind/tensor/index.h"

HWY_BEFORE_NAMESPACE();
namespace rw::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE Index lanes_of(D d) {
  return static_cast<Index>(hn::Lanes(d));
}

// In place of a count, all lanes: known to the compiler, so that it inlines and branches nowhere.
struct Whole {};

// The first `count` lanes from memory, `rest` in the others.
template <class D, class T>
HWY_INLINE hn::Vec<D> load(D d, const T* from, Whole, T) {
  return hn::LoadU(d, from);
}
template <class D, class T>
HWY_INLINE hn::Vec<D> load(D d, const T* from, Index count, T rest) {
  HWY_ALIGN T padded[hn::MaxLanes(d)];
  for (Index i = 0; i < lanes_of(d); i++) padded[i] = i < count ? from[i] : rest;
  return hn::Load(d, padded);
}

template <class D, class T>
HWY_INLINE void store(D d, hn::Vec<D> v, T* to, Whole) {
  hn::StoreU(v, d, to);
}
template <class D, class T>
HWY_INLINE void store(D d, hn::Vec<D> v, T* to, Index count) {
  HWY_ALIGN T all[hn::MaxLanes(d)];
  hn::Store(v, d, all);
  std::copy_n(all, count, to);
}

// Sums of the lanes of T, in double.
template <class T>
class LaneSums;

template <>
class LaneSums<double> {
  using D = hn::ScalableTag<double>;

 public:
  HWY_INLINE LaneSums() : sums_(hn::Zero(D())) {}
  HWY_INLINE void add(hn::Vec<D> v) { sums_ = hn::Add(sums_, v); }
  HWY_INLINE hn::Vec<D> lanes() const { return sums_; }
  HWY_INLINE double total() const { return hn::GetLane(hn::SumOfLanes(D(), sums_)); }

 private:
  hn::Vec<D> sums_;
};

template <>
class LaneSums<float> {
  using D = hn::ScalableTag<float>;
  using Wide = hn::ScalableTag<double>;
  using Half = hn::Rebind<float, Wide>;

 public:
  HWY_INLINE LaneSums() : low_(hn::Zero(Wide())), high_(hn::Zero(Wide())) {}
#if HWY_TARGET == HWY_SCALAR  // whose one lane has no halves
  HWY_INLINE void add(hn::Vec<D> v) { low_ = hn::Add(low_, hn::PromoteTo(Wide(), v)); }
  HWY_INLINE hn::Vec<D> lanes() const { return hn::DemoteTo(D(), low_); }
#else
  HWY_INLINE void add(hn::Vec<D> v) {
    low_ = hn::Add(low_, hn::PromoteTo(Wide(), hn::LowerHalf(Half(), v)));
    high_ = hn::Add(high_, hn::PromoteTo(Wide(), hn::UpperHalf(Half(), v)));
  }
  HWY_INLINE hn::Vec<D> lanes() const {
    return hn::Combine(D(), hn::DemoteTo(Half(), high_), hn::DemoteTo(Half(), low_));
  }
#endif
  HWY_INLINE double total() const {
    return hn::GetLane(hn::SumOfLanes(Wide(), hn::Add(low_, high_)));
  }

 private:
  hn::Vec<Wide> low_, high_;
};

struct RowStrip {
  Index size;

  // Calls f(first, count) for the vectors in order, where the count is Whole or an Index.
  template <class D, class F>
  HWY_INLINE void each(D d, F f) const {
    const Index lanes = lanes_of(d);
    Index i = 0;
    for (; i + lanes <= size; i += lanes) f(i, Whole());
    if (i < size) f(i, size - i);
  }
  template <class D, class V>
  HWY_INLINE V greatest(D d, V v) const {
    return hn::MaxOfLanes(d, v);
  }
  template <class D>
  HWY_INLINE hn::Vec<D> total(D d, const LaneSums<hn::TFromD<D>>& sums) const {
    return hn::Set(d, static_cast<hn::TFromD<D>>(sums.total()));
  }
};

struct ColumnStrip {
  Index rows, width;  // of the matrix
  Index columns;      // in the strip: a vector or less

  template <class D, class F>
  HWY_INLINE void each(D d, F f) const {
    if (columns == lanes_of(d)) {
      for (Index i = 0; i < rows; i++) f(i * width, Whole());
    } else {
      for (Index i = 0; i < rows; i++) f(i * width, columns);
    }
  }
  template <class D, class V>
  HWY_INLINE V greatest(D, V v) const {
    return v;
  }
  template <class D>
  HWY_INLINE hn::Vec<D> total(D, const LaneSums<hn::TFromD<D>>& sums) const {
    return sums.lanes();
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace rw::kernels
HWY_AFTER_NAMESPACE();

#endif  // REWIND_TENSOR_KERNELS_STRIP_INL_H
