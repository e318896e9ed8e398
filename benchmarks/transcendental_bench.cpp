// Nanoseconds per element of the vector functions on 4096 elements in the first-level cache, beside
// Highway's ready-made ones (built from exp and log where it has none) compiled for the same
// target. The least of many runs counts. One JSON line per function. Good on AVX2 at 3 GHz: tanh
// and sigmoid below 0.5.
#include "rewind/tensor/kernels/transcendental.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "transcendental_bench.cpp"
// The order matters: foreach_target.h first.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rw::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct Exp {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::Exp(d, x);
  }
};

struct Log {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::Log(d, x);
  }
};

struct Tanh {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::Tanh(d, x);
  }
};

struct Sigmoid {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    const V one = hn::Set(d, 1);
    return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Neg(x))));
  }
};

// n is a multiple of the vector length.
template <class F, class T>
HWY_INLINE void each(const T* x, T* y, Index n) {
  const hn::ScalableTag<T> d;
  for (Index i = 0; i < n; i += static_cast<Index>(hn::Lanes(d))) {
    hn::StoreU(F()(d, hn::LoadU(d, x + i)), d, y + i);
  }
}

void exp_float(const float* x, float* y, Index n) { each<Exp>(x, y, n); }
void exp_double(const double* x, double* y, Index n) { each<Exp>(x, y, n); }
void log_float(const float* x, float* y, Index n) { each<Log>(x, y, n); }
void log_double(const double* x, double* y, Index n) { each<Log>(x, y, n); }
void tanh_float(const float* x, float* y, Index n) { each<Tanh>(x, y, n); }
void tanh_double(const double* x, double* y, Index n) { each<Tanh>(x, y, n); }
void sigmoid_float(const float* x, float* y, Index n) { each<Sigmoid>(x, y, n); }
void sigmoid_double(const double* x, double* y, Index n) { each<Sigmoid>(x, y, n); }

}  // namespace rw::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <string_view>

namespace rw {

HWY_EXPORT(exp_float);
HWY_EXPORT(exp_double);
HWY_EXPORT(log_float);
HWY_EXPORT(log_double);
HWY_EXPORT(tanh_float);
HWY_EXPORT(tanh_double);
HWY_EXPORT(sigmoid_float);
HWY_EXPORT(sigmoid_double);

template <class T>
using Function = void (*)(const T*, T*, Index);

template <class T>
struct Arrays {
  alignas(64) std::array<T, 4096> x, y;
};

template <class T>
double nanoseconds_per_element(Function<T> f, Arrays<T>& arrays) {
  using Clock = std::chrono::steady_clock;
  constexpr int kRuns = 2000, kCallsPerRun = 4;
  double best = 1e30;
  for (int run = 0; run < kRuns; ++run) {
    const Clock::time_point start = Clock::now();
    for (int call = 0; call < kCallsPerRun; ++call) f(arrays.x.data(), arrays.y.data(), 4096);
    const std::chrono::duration<double, std::nano> took = Clock::now() - start;
    best = std::min(best, took.count() / (kCallsPerRun * 4096));
  }
  return best;
}

template <class T>
void report(std::string_view name, T low, T high, Function<T> ours, Function<T> highway) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<T> uniform(low, high);
  static Arrays<T> arrays;
  for (T& v : arrays.x) v = uniform(random);
  fmt::print(
      R"({{"function":"{}","dtype":"{}","ns_per_element":{:.3f},"highway_ns":{:.3f},"target":"{}"}})"
      "\n",
      name, sizeof(T) == 4 ? "float32" : "float64", nanoseconds_per_element(ours, arrays),
      nanoseconds_per_element(highway, arrays), kernels::simd_target());
}

template <class T>
void report_all(Function<T> exp, Function<T> log, Function<T> tanh, Function<T> sigmoid) {
  report<T>("exp", -10, 10, kernels::exp, exp);
  report<T>("log", T{0.125}, 100, kernels::log, log);
  report<T>("tanh", -6, 6, kernels::tanh, tanh);
  report<T>("sigmoid", -10, 10, kernels::sigmoid, sigmoid);
}

}  // namespace rw

int main() {
  using namespace rw;
  kernels::simd_target();  // examines the processor, so that the pointers below are the final ones
  report_all<float>(HWY_DYNAMIC_DISPATCH(exp_float), HWY_DYNAMIC_DISPATCH(log_float),
                    HWY_DYNAMIC_DISPATCH(tanh_float), HWY_DYNAMIC_DISPATCH(sigmoid_float));
  report_all<double>(HWY_DYNAMIC_DISPATCH(exp_double), HWY_DYNAMIC_DISPATCH(log_double),
                     HWY_DYNAMIC_DISPATCH(tanh_double), HWY_DYNAMIC_DISPATCH(sigmoid_double));
}
#endif
