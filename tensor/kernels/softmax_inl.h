// What softmax and cross-entropy begin with, for strips: the greatest of the logits, then their
// exponentials and the sum of those. Included by .cpp files that are compiled once per instruction
// set.
//
// The strip stays in the cache from one pass to the next: a row of 10,000 floats is 40 KB. To take
// the greatest along in the pass of the sum would save a reading from L2 and cost a rescaling,
// while the time is spent on the exponentials.
//
// NaN and the rows without a softmax need no care: whatever the greatest is then, one exponential
// is NaN, hence the sum.
#if defined(REWIND_TENSOR_KERNELS_SOFTMAX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_TENSOR_KERNELS_SOFTMAX_INL_H
#undef REWIND_TENSOR_KERNELS_SOFTMAX_INL_H
#else
#define REWIND_TENSOR_KERNELS_SOFTMAX_INL_H
#endif

#include "rewind/tensor/kernels/strip_inl.h"
#include "rewind/tensor/kernels/transcendental_inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Exp of what is not positive, or NaN: it cannot overflow.
struct FallingExp {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    using N = Numbers<hn::TFromD<D>>;
    V scale;
    const V m = split_exp(d, at_least(x, hn::Set(d, N::kExpZero)),
                          hn::Set(d, N::kRound + N::kBias + N::kShift), scale);
    return hn::Mul(hn::MulAdd(m, scale, scale), hn::Set(d, N::kDown));
  }
};

template <class D, class Strip, class T>
HWY_INLINE hn::Vec<D> greatest(D d, const Strip& strip, const T* x) {
  constexpr T kLeast = -std::numeric_limits<T>::infinity();
  hn::Vec<D> most = hn::Set(d, kLeast);
  strip.each(d,
             [&](Index at, auto count) { most = hn::Max(most, load(d, x + at, count, kLeast)); });
  return strip.greatest(d, most);
}

// Calls f(at, count, exp(x - shift)) and adds up. The padding has exponentials of 0.
template <class Exponential = FallingExp, class D, class Strip, class T, class F>
HWY_INLINE LaneSums<T> exponentials(D d, const Strip& strip, const T* x, hn::Vec<D> shift, F f) {
  LaneSums<T> sums;
  strip.each(d, [&](Index at, auto count) {
    const auto v = load(d, x + at, count, -std::numeric_limits<T>::infinity());
    const auto e = Exponential()(d, hn::Sub(v, shift));
    sums.add(e);
    f(at, count, e);
  });
  return sums;
}

}  // namespace HWY_NAMESPACE
}  // namespace rw::kernels
HWY_AFTER_NAMESPACE();

#endif  // REWIND_TENSOR_KERNELS_SOFTMAX_INL_H
