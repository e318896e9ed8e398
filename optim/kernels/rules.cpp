// A rule is written for vectors and says how many moments it has; one loop runs them all. Choices
// between forms of a rule are made outside of the loop.
#include "rewind/optim/kernels/rules.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rewind/optim/kernels/rules.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "rewind/tensor/kernels/strip_inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::optim::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using rw::kernels::HWY_NAMESPACE::load;
using rw::kernels::HWY_NAMESPACE::RowStrip;
using rw::kernels::HWY_NAMESPACE::store;

template <class T>
using Vector = hn::Vec<hn::ScalableTag<T>>;

// Calls rule(d, g, value, moments) for the elements, a vector at a time, and stores what it
// changed. g has the factor and the weight decay in it.
template <int kMoments, class T, class Rule>
HWY_INLINE void each(const Common<T>& common, const Elements<T>& e, Rule rule) {
  const hn::ScalableTag<T> d;
  const auto l2 = hn::Set(d, common.l2), factor = hn::Set(d, common.factor);
  RowStrip{e.count}.each(d, [&](Index at, auto count) {
    Vector<T> value = load(d, e.value + at, count, T{0});
    Vector<T> moments[kMoments + 1];
    for (int i = 0; i < kMoments; i++) {
      moments[i] = load(d, e.moments[static_cast<std::size_t>(i)] + at, count, T{0});
    }
    const auto gradient = load(d, e.gradient + at, count, T{0});
    const auto g = hn::MulAdd(l2, value, hn::Mul(factor, gradient));
    rule(g, value, moments);
    store(d, value, e.value + at, count);
    for (int i = 0; i < kMoments; i++) {
      store(d, moments[i], e.moments[static_cast<std::size_t>(i)] + at, count);
    }
  });
}

// value = keep * value - rate * change
template <class T>
struct Step {
  Vector<T> rate, keep;
  HWY_INLINE explicit Step(const Common<T>& c)
      : rate(hn::Set(hn::ScalableTag<T>(), c.rate)), keep(hn::Set(hn::ScalableTag<T>(), c.keep)) {}
  HWY_INLINE Vector<T> operator()(Vector<T> value, Vector<T> change) const {
    return hn::NegMulAdd(rate, change, hn::Mul(keep, value));
  }
};

template <class T>
void sgd(const SgdRule<T>& rule, const Elements<T>& e) {
  const hn::ScalableTag<T> d;
  const Step<T> step(rule.common);
  const auto momentum = hn::Set(d, rule.momentum);
  if (rule.momentum == 0) {
    return each<0>(rule.common, e, [&](auto g, auto& value, auto&) { value = step(value, g); });
  }
  if (rule.nesterov) {
    return each<1>(rule.common, e, [&](auto g, auto& value, auto& m) {
      m[0] = hn::MulAdd(momentum, m[0], g);
      value = step(value, hn::MulAdd(momentum, m[0], g));
    });
  }
  each<1>(rule.common, e, [&](auto g, auto& value, auto& m) {
    m[0] = hn::MulAdd(momentum, m[0], g);
    value = step(value, m[0]);
  });
}

template <bool kCentered, bool kMomentum, class T>
HWY_INLINE void rmsprop_of(const RmspropRule<T>& rule, const Elements<T>& e) {
  const hn::ScalableTag<T> d;
  const Step<T> step(rule.common);
  const auto alpha = hn::Set(d, rule.alpha), rest = hn::Set(d, rule.rest);
  const auto epsilon = hn::Set(d, rule.epsilon), momentum = hn::Set(d, rule.momentum);
  each<1 + kCentered + kMomentum>(rule.common, e, [&](auto g, auto& value, auto& m) {
    m[0] = hn::MulAdd(alpha, m[0], hn::Mul(rest, hn::Mul(g, g)));
    auto variance = m[0];
    if constexpr (kCentered) {
      m[1] = hn::MulAdd(alpha, m[1], hn::Mul(rest, g));
      // Rounding may leave less than nothing of an almost constant gradient.
      variance = hn::NegMulAdd(m[1], m[1], variance);
      variance = hn::IfThenZeroElse(hn::Lt(variance, hn::Zero(d)), variance);  // NaN stays
    }
    auto change = hn::Div(g, hn::Add(hn::Sqrt(variance), epsilon));
    if constexpr (kMomentum) {
      constexpr int kAt = 1 + kCentered;
      change = m[kAt] = hn::MulAdd(momentum, m[kAt], change);
    }
    value = step(value, change);
  });
}

template <class T>
void rmsprop(const RmspropRule<T>& rule, const Elements<T>& e) {
  if (rule.centered) {
    rule.momentum != 0 ? rmsprop_of<true, true>(rule, e) : rmsprop_of<true, false>(rule, e);
  } else {
    rule.momentum != 0 ? rmsprop_of<false, true>(rule, e) : rmsprop_of<false, false>(rule, e);
  }
}

template <class T>
void adam(const AdamRule<T>& rule, const Elements<T>& e) {
  const hn::ScalableTag<T> d;
  const Step<T> step(rule.common);
  const auto beta1 = hn::Set(d, rule.beta1), rest1 = hn::Set(d, rule.rest1);
  const auto beta2 = hn::Set(d, rule.beta2), rest2 = hn::Set(d, rule.rest2);
  const auto root = hn::Set(d, rule.root), epsilon = hn::Set(d, rule.epsilon);
  each<2>(rule.common, e, [&](auto g, auto& value, auto& m) {
    m[0] = hn::MulAdd(beta1, m[0], hn::Mul(rest1, g));
    m[1] = hn::MulAdd(beta2, m[1], hn::Mul(rest2, hn::Mul(g, g)));
    value = step(value, hn::Div(m[0], hn::MulAdd(root, hn::Sqrt(m[1]), epsilon)));
  });
}

void sgd_float(const SgdRule<float>& rule, const Elements<float>& e) { sgd(rule, e); }
void sgd_double(const SgdRule<double>& rule, const Elements<double>& e) { sgd(rule, e); }
void rmsprop_float(const RmspropRule<float>& rule, const Elements<float>& e) { rmsprop(rule, e); }
void rmsprop_double(const RmspropRule<double>& rule, const Elements<double>& e) {
  rmsprop(rule, e);
}
void adam_float(const AdamRule<float>& rule, const Elements<float>& e) { adam(rule, e); }
void adam_double(const AdamRule<double>& rule, const Elements<double>& e) { adam(rule, e); }

}  // namespace HWY_NAMESPACE
}  // namespace rw::optim::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rw::optim::kernels {

HWY_EXPORT(sgd_float);
HWY_EXPORT(sgd_double);
HWY_EXPORT(rmsprop_float);
HWY_EXPORT(rmsprop_double);
HWY_EXPORT(adam_float);
HWY_EXPORT(adam_double);

void update(const SgdRule<float>& rule, const Elements<float>& e) {
  HWY_DYNAMIC_DISPATCH(sgd_float)(rule, e);
}
void update(const SgdRule<double>& rule, const Elements<double>& e) {
  HWY_DYNAMIC_DISPATCH(sgd_double)(rule, e);
}
void update(const RmspropRule<float>& rule, const Elements<float>& e) {
  HWY_DYNAMIC_DISPATCH(rmsprop_float)(rule, e);
}
void update(const RmspropRule<double>& rule, const Elements<double>& e) {
  HWY_DYNAMIC_DISPATCH(rmsprop_double)(rule, e);
}
void update(const AdamRule<float>& rule, const Elements<float>& e) {
  HWY_DYNAMIC_DISPATCH(adam_float)(rule, e);
}
void update(const AdamRule<double>& rule, const Elements<double>& e) {
  HWY_DYNAMIC_DISPATCH(adam_double)(rule, e);
}

}  // namespace rw::optim::kernels
#endif
