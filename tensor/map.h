// Kernels of element-wise operations from a function of one element. Outputs lie row after row,
// inputs may be strided or broadcast. Several threads call the function, where there is much to do.
#pragma once

#include <cmath>  // what is mapped is mostly there

#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {

// y = f(x) for elements of type T, where f returns the type of y's elements.
template <class T, class F>
void map_as(const Tensor& x, Tensor& y, F f) {
  using U = decltype(f(T{}));
  const T* from = x.data<T>();
  U* to = output_data<U>(y);
  if (x.contiguous() && x.size() == y.size()) {
    share_elements(y.size(), [=, &f](Index begin, Index end) {
      for (Index i = begin; i < end; i++) to[i] = f(from[i]);
    });
    return;
  }
  const Dims& shape = y.shape();
  const Index length = length_of_row(shape);
  const Strides strides = broadcast_strides(x, shape);
  const Index step = shape.rank() == 0 ? 0 : strides[static_cast<std::size_t>(shape.rank() - 1)];
  share_rows<1>(shape, {strides}, [=, &f](Index number, const std::array<Index, 1>& offset) {
    U* const row = to + number * length;
    for (Index i = 0; i < length; i++) row[i] = f(from[offset[0] + i * step]);
  });
}

// y = f(a, b) for elements of type T, with broadcasting to the shape of y.
template <class T, class F>
void zip_as(const Tensor& a, const Tensor& b, Tensor& y, F f) {
  using U = decltype(f(T{}, T{}));
  const T* p = a.data<T>();
  const T* q = b.data<T>();
  U* to = output_data<U>(y);
  const Index n = y.size();
  const bool a_whole = a.contiguous() && a.size() == n;
  const bool b_whole = b.contiguous() && b.size() == n;
  if (a_whole && b_whole) {
    share_elements(n, [=, &f](Index begin, Index end) {
      for (Index i = begin; i < end; i++) to[i] = f(p[i], q[i]);
    });
    return;
  }
  if (a_whole && b.size() == 1) {
    share_elements(n, [=, &f](Index begin, Index end) {
      for (Index i = begin; i < end; i++) to[i] = f(p[i], *q);
    });
    return;
  }
  if (a.size() == 1 && b_whole) {
    share_elements(n, [=, &f](Index begin, Index end) {
      for (Index i = begin; i < end; i++) to[i] = f(*p, q[i]);
    });
    return;
  }
  const Dims& shape = y.shape();
  const Index length = length_of_row(shape);
  const std::array<Strides, 2> strides{broadcast_strides(a, shape), broadcast_strides(b, shape)};
  const auto last = static_cast<std::size_t>(std::max(shape.rank() - 1, 0));
  const Index step_a = strides[0][last];
  const Index step_b = strides[1][last];
  share_rows<2>(shape, strides, [=, &f](Index number, const std::array<Index, 2>& offset) {
    U* const row = to + number * length;
    const T* row_a = p + offset[0];
    const T* row_b = q + offset[1];
    if (step_a == 1 && step_b == 1) {
      for (Index i = 0; i < length; i++) row[i] = f(row_a[i], row_b[i]);
    } else {
      for (Index i = 0; i < length; i++) row[i] = f(row_a[i * step_a], row_b[i * step_b]);
    }
  });
}

// The same for whichever of float and double the tensors hold: what an operation of a user needs.
// Throws DtypeError for others.
template <class F>
void map(const Tensor& x, Tensor& y, F f) {
  dispatch_float("map", x.dtype(), [&](auto v) { map_as<decltype(v)>(x, y, f); });
}
template <class F>
void zip(const Tensor& a, const Tensor& b, Tensor& y, F f) {
  dispatch_float("zip", a.dtype(), [&](auto v) { zip_as<decltype(v)>(a, b, y, f); });
}

}  // namespace rw
