// The bridge from operations to the vector code, which works on arrays.
#pragma once

#include "rewind/tensor/kernels/transcendental.h"
#include "rewind/tensor/op.h"

namespace rw {

// y = f over all elements of x, where f(from, to, n) takes arrays of float or of double that may be
// the same. A strided x is first copied to where the result will be.
template <class F>
void by_kernel(const Tensor& x, Tensor& y, F f) {
  dispatch_float("by_kernel", x.dtype(), [&](auto v) {
    using T = decltype(v);
    T* to = output_data<T>(y);
    if (!x.contiguous()) copy_elements(x, y);
    const T* const from = x.contiguous() ? x.data<T>() : to;
    share_elements(y.size(),
                   [=](Index begin, Index end) { f(from + begin, to + begin, end - begin); });
  });
}

}  // namespace rw
