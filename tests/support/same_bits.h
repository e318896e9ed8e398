// Whether two tensors hold the same numbers to the last bit.
#pragma once

#include <cstring>

#include "rewind/tensor/views.h"

namespace rw::test {

inline bool same_bits(const Tensor& a, const Tensor& b) {
  const Tensor p = contiguous(a), q = contiguous(b);
  if (!(p.spec() == q.spec())) return false;
  return dispatch_any(p.dtype(), [&](auto v) {
    using E = decltype(v);
    return std::memcmp(p.data<E>(), q.data<E>(), p.span<E>().size_bytes()) == 0;
  });
}

}  // namespace rw::test
