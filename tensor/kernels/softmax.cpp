// Three passes over a strip that stays in the cache meanwhile: the greatest, the exponentials with
// their sum, the quotient.
#include "rewind/tensor/kernels/softmax.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rewind/tensor/kernels/softmax.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "rewind/tensor/kernels/softmax_inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls f(strip, offset) for the strips that make up a table.
template <class T, class F>
HWY_INLINE void each_strip(Table table, F f) {
  if (table.width == 1) return f(RowStrip{table.n}, Index{0});
  const Index lanes = lanes_of(hn::ScalableTag<T>());
  for (Index at = 0; at < table.width; at += lanes) {
    f(ColumnStrip{table.n, table.width, std::min(lanes, table.width - at)}, at);
  }
}

template <class T>
void softmax_of(const T* x, T* y, Table table) {
  const hn::ScalableTag<T> d;
  each_strip<T>(table, [&](const auto& strip, Index first) {
    const auto most = greatest(d, strip, x + first);
    T* const to = y + first;
    const auto sums = exponentials(d, strip, x + first, most, [&](Index at, auto count, auto e) {
      store(d, e, to + at, count);
    });
    const auto total = strip.total(d, sums);
    strip.each(d, [&](Index at, auto count) {
      store(d, hn::Div(load(d, to + at, count, T{0}), total), to + at, count);
    });
  });
}

template <class T>
void log_softmax_of(const T* x, T* y, Table table) {
  const hn::ScalableTag<T> d;
  each_strip<T>(table, [&](const auto& strip, Index first) {
    const T* const from = x + first;
    const auto most = greatest(d, strip, from);
    const auto sums = exponentials(d, strip, from, most, [](auto...) {});
    const auto log = Log()(d, strip.total(d, sums));
    strip.each(d, [&](Index at, auto count) {
      const auto v = hn::Sub(hn::Sub(load(d, from + at, count, T{0}), most), log);
      store(d, v, y + first + at, count);
    });
  });
}

template <class T>
void softmax_backward_of(const T* dy, const T* y, T* dx, Table table) {
  const hn::ScalableTag<T> d;
  each_strip<T>(table, [&](const auto& strip, Index first) {
    const auto probability = [&](Index at, auto count) {
      const auto p = load(d, y + first + at, count, T{0});
      return hn::IfThenZeroElse(hn::IsNaN(p), p);
    };
    const auto arrived = [&](Index at, auto count) {
      return load(d, dy + first + at, count, T{0});
    };
    LaneSums<T> sums;
    strip.each(d, [&](Index at, auto count) {
      sums.add(hn::Mul(probability(at, count), arrived(at, count)));
    });
    const auto mean = strip.total(d, sums);
    strip.each(d, [&](Index at, auto count) {
      const auto v = hn::Mul(probability(at, count), hn::Sub(arrived(at, count), mean));
      store(d, v, dx + first + at, count);
    });
  });
}

template <class T>
void log_softmax_backward_of(const T* dy, const T* y, T* dx, Table table) {
  const hn::ScalableTag<T> d;
  each_strip<T>(table, [&](const auto& strip, Index first) {
    LaneSums<T> sums;
    strip.each(d, [&](Index at, auto count) { sums.add(load(d, dy + first + at, count, T{0})); });
    const auto total = strip.total(d, sums);
    strip.each(d, [&](Index at, auto count) {
      const auto p = FallingExp()(d, load(d, y + first + at, count, T{0}));
      const auto v = load(d, dy + first + at, count, T{0});
      const auto change = hn::Mul(hn::IfThenZeroElse(hn::IsNaN(p), p), total);
      store(d, hn::Sub(v, change), dx + first + at, count);
    });
  });
}

template <class T>
double log_sum_exp_of(const T* x, Index n) {
  const hn::ScalableTag<T> d;
  const RowStrip row{n};
  const auto shift = greatest(d, row, x);
  const T most = hn::GetLane(shift);
  if (std::isfinite(most)) {
    const double sum = exponentials(d, row, x, shift, [](auto...) {}).total();
    return std::log(sum) + static_cast<double>(most);
  }
  // An infinite greatest is not subtracted: exp then gives the limit by itself.
  return std::log(exponentials<Exp>(d, row, x, hn::Zero(d), [](auto...) {}).total());
}

void softmax_float(const float* x, float* y, Table t) { softmax_of(x, y, t); }
void softmax_double(const double* x, double* y, Table t) { softmax_of(x, y, t); }
void log_softmax_float(const float* x, float* y, Table t) { log_softmax_of(x, y, t); }
void log_softmax_double(const double* x, double* y, Table t) { log_softmax_of(x, y, t); }
void softmax_backward_float(const float* dy, const float* y, float* dx, Table t) {
  softmax_backward_of(dy, y, dx, t);
}
void softmax_backward_double(const double* dy, const double* y, double* dx, Table t) {
  softmax_backward_of(dy, y, dx, t);
}
void log_softmax_backward_float(const float* dy, const float* y, float* dx, Table t) {
  log_softmax_backward_of(dy, y, dx, t);
}
void log_softmax_backward_double(const double* dy, const double* y, double* dx, Table t) {
  log_softmax_backward_of(dy, y, dx, t);
}
double log_sum_exp_float(const float* x, Index n) { return log_sum_exp_of(x, n); }
double log_sum_exp_double(const double* x, Index n) { return log_sum_exp_of(x, n); }

}  // namespace HWY_NAMESPACE
}  // namespace rw::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rw::kernels {

HWY_EXPORT(softmax_float);
HWY_EXPORT(softmax_double);
HWY_EXPORT(log_softmax_float);
HWY_EXPORT(log_softmax_double);
HWY_EXPORT(softmax_backward_float);
HWY_EXPORT(softmax_backward_double);
HWY_EXPORT(log_softmax_backward_float);
HWY_EXPORT(log_softmax_backward_double);
HWY_EXPORT(log_sum_exp_float);
HWY_EXPORT(log_sum_exp_double);

void softmax(const float* x, float* y, Table t) { HWY_DYNAMIC_DISPATCH(softmax_float)(x, y, t); }
void softmax(const double* x, double* y, Table t) { HWY_DYNAMIC_DISPATCH(softmax_double)(x, y, t); }
void log_softmax(const float* x, float* y, Table t) {
  HWY_DYNAMIC_DISPATCH(log_softmax_float)(x, y, t);
}
void log_softmax(const double* x, double* y, Table t) {
  HWY_DYNAMIC_DISPATCH(log_softmax_double)(x, y, t);
}
void softmax_backward(const float* dy, const float* y, float* dx, Table t) {
  HWY_DYNAMIC_DISPATCH(softmax_backward_float)(dy, y, dx, t);
}
void softmax_backward(const double* dy, const double* y, double* dx, Table t) {
  HWY_DYNAMIC_DISPATCH(softmax_backward_double)(dy, y, dx, t);
}
void log_softmax_backward(const float* dy, const float* y, float* dx, Table t) {
  HWY_DYNAMIC_DISPATCH(log_softmax_backward_float)(dy, y, dx, t);
}
void log_softmax_backward(const double* dy, const double* y, double* dx, Table t) {
  HWY_DYNAMIC_DISPATCH(log_softmax_backward_double)(dy, y, dx, t);
}
double log_sum_exp(const float* x, Index n) {
  return HWY_DYNAMIC_DISPATCH(log_sum_exp_float)(x, n);
}
double log_sum_exp(const double* x, Index n) {
  return HWY_DYNAMIC_DISPATCH(log_sum_exp_double)(x, n);
}

}  // namespace rw::kernels
#endif
