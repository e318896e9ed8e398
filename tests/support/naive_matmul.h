// The product of matrices by its definition, the twin of tensor/matmul.h.
#pragma once

#include <vector>

#include "rewind/tensor/strided.h"

namespace rw::test {

// [.., m, k] x [.., k, n], both of rank 2 or more, as the elements of the result in order. Sums run
// in double.
template <class T>
std::vector<double> naive_matmul(const Tensor& a, const Tensor& b, const Dims& out) {
  const auto rows = static_cast<std::size_t>(out.rank() - 2), columns = rows + 1;
  const auto strides = [&](const Tensor& x) {
    Dims shape = out;
    for (int axis : {out.rank() - 2, out.rank() - 1}) {
      shape.set(axis, x.shape()[x.rank() - out.rank() + axis]);
    }
    return broadcast_strides(x, shape);
  };
  Strides p = strides(a), q = strides(b);
  const Index a_step = std::exchange(p[columns], 0), b_step = std::exchange(q[rows], 0);
  std::vector<double> result;
  for_each_row<2>(out, {p, q}, [&](const std::array<Index, 2>& at) {
    for (Index j = 0; j < out.back(); j++) {
      double sum = 0;
      for (Index i = 0; i < a.shape().back(); i++) {
        sum += static_cast<double>(a.data<T>()[at[0] + i * a_step]) *
               static_cast<double>(b.data<T>()[at[1] + i * b_step + j * q[columns]]);
      }
      result.push_back(sum);
    }
  });
  return result;
}

}  // namespace rw::test
