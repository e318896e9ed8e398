#include "rewind/tensor/matmul_batches.h"

#include <algorithm>

#include "rewind/tensor/error.h"
#include "rewind/tensor/strided.h"

namespace rw {
namespace {

// The steps from one matrix of `x` to the next, along the axes of `batch`; of a vector none.
Strides batch_strides(const Tensor& x, const Dims& batch) {
  const Strides own = x.strides();
  Strides result{};
  const int shift = batch.rank() - std::max(x.rank() - 2, 0);
  for (int axis = shift; axis < batch.rank(); axis++) {
    const bool repeated = x.shape()[axis - shift] == 1;
    result[static_cast<std::size_t>(axis)] =
        repeated ? 0 : own[static_cast<std::size_t>(axis - shift)];
  }
  return result;
}

}  // namespace

bool rows_lie_together(const Tensor& x) {
  return x.shape().back() == 1 || x.strides()[static_cast<std::size_t>(x.rank() - 1)] == 1;
}

Dims batch_of(const Dims& shape) {
  const auto matrix_axes = static_cast<std::size_t>(std::min(shape.rank(), 2));
  return Dims(
      std::span<const Index>(shape).first(static_cast<std::size_t>(shape.rank()) - matrix_axes));
}

Dims broadcast_batches(std::string_view op, const Dims& a, const Dims& b) {
  const Dims x = batch_of(a), y = batch_of(b);
  for (int i = 1; i <= std::min(x.rank(), y.rank()); i++) {
    const Index p = x[x.rank() - i], q = y[y.rank() - i];
    require<ShapeError>(p == q || p == 1 || q == 1,
                        "{}: batch sizes {} and {} are neither equal nor 1, {} x {}", op, p, q, a,
                        b);
  }
  return broadcast(op, x, y);
}

Spec spec_of_product(std::string_view op, const Spec& a, const Spec& b) {
  require<DtypeError>(a.dtype == b.dtype,
                      "{}: dtypes differ, {} x {}; convert one with to(x, dtype)", op, a, b);
  require<DtypeError>(is_float(a.dtype),
                      "{}: takes float32 or float64, got {} x {}; convert with to(x, float32)", op,
                      a, b);
  require<ShapeError>(a.rank() > 0 && b.rank() > 0, "{}: a scalar is no matrix, {} x {}; use a * b",
                      op, a.shape, b.shape);
  const Index inner = b.rank() == 1 ? b.dim(0) : b.dim(b.rank() - 2);
  require<ShapeError>(a.shape.back() == inner, "{}: inner sizes differ, {} x {}", op, a.shape,
                      b.shape);
  Dims shape = broadcast_batches(op, a.shape, b.shape);
  if (a.rank() > 1) shape.push_back(a.dim(a.rank() - 2));
  if (b.rank() > 1) shape.push_back(b.shape.back());
  return {shape, a.dtype};
}

MatrixPairs::MatrixPairs(const Dims& batch, const Tensor& a, const Tensor& b)
    : batch_(batch), a_(batch_strides(a, batch)), b_(batch_strides(b, batch)) {}

std::pair<Index, Index> MatrixPairs::offsets(Index pair) const {
  std::pair<Index, Index> offsets{0, 0};
  for (int axis = batch_.rank(); axis-- > 0;) {
    const Index i = pair % batch_[axis];
    offsets.first += i * a_[static_cast<std::size_t>(axis)];
    offsets.second += i * b_[static_cast<std::size_t>(axis)];
    pair /= batch_[axis];
  }
  return offsets;
}

}  // namespace rw
