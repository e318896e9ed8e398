// Looking for the element that an error message will name.
#pragma once

#include <optional>

#include "rewind/tensor/strided.h"

namespace [[gnu::visibility("default")]] rw {

// The position, as in x[i, j], of element number `n`, counted row after row.
inline Dims position_of(Index n, const Dims& shape) {
  Dims position = shape;
  for (int axis = shape.rank(); axis-- > 0; n /= shape[axis]) position.set(axis, n % shape[axis]);
  return position;
}

// The position of the first element for which `wrong` holds.
template <class T, class F>
std::optional<Dims> find_first(const Tensor& x, F wrong) {
  if (x.size() == 0) return {};
  const Dims& shape = x.shape();
  const Index length = length_of_row(shape);
  const Strides strides = x.strides();
  const Index step = shape.rank() == 0 ? 0 : strides[static_cast<std::size_t>(shape.rank() - 1)];
  const T* data = x.data<T>();
  Index seen = 0, found = -1;
  for_each_row<1>(shape, {strides}, [&](const std::array<Index, 1>& at) {
    for (Index i = 0; i < length && found < 0; i++, seen++) {
      if (wrong(data[at[0] + i * step])) found = seen;
    }
  });
  if (found < 0) return {};
  return position_of(found, shape);
}

}  // namespace rw
