// The bridge from operations to the code that works on arrays.
#pragma once

#include <cmath>

#include "rewind/tensor/op.h"

namespace rw {
namespace kernels {

template <class T>
void exp(const T* x, T* y, Index n) {
  for (Index i = 0; i < n; i++) y[i] = std::exp(x[i]);
}
template <class T>
void log(const T* x, T* y, Index n) {
  for (Index i = 0; i < n; i++) y[i] = std::log(x[i]);
}
template <class T>
void tanh(const T* x, T* y, Index n) {
  for (Index i = 0; i < n; i++) y[i] = std::tanh(x[i]);
}
template <class T>
void sigmoid(const T* x, T* y, Index n) {
  for (Index i = 0; i < n; i++) y[i] = 1 / (1 + std::exp(-x[i]));
}

}  // namespace kernels

// y = f over all elements of x, where f(from, to, n) takes arrays of float or of double that may be
// the same. A strided x is first copied to where the result will be.
template <class F>
void by_kernel(const Tensor& x, Tensor& y, F f) {
  dispatch_float("by_kernel", x.dtype(), [&](auto v) {
    using T = decltype(v);
    T* to = output_data<T>(y);
    if (x.contiguous()) return f(x.data<T>(), to, y.size());
    copy_elements(x, y);
    f(static_cast<const T*>(to), to, y.size());
  });
}

}  // namespace rw
