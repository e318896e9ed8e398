// What the two products (matmul.h, ordered_matmul.h) share: how they see their operands, whose axes
// before the last two are batches, which broadcast, and from when on workers pay.
#pragma once

#include <string_view>
#include <utility>

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {

// Multiply-adds: some 12 us, where waking a worker takes 5.
inline constexpr Index kWorthAWorker = 500'000;

// Whether the numbers of each row of a matrix, or of a vector, stand next to each other.
bool rows_lie_together(const Tensor& x);

// The batch axes of a shape; those that two have together. Throws ShapeError when sizes are neither
// equal nor 1.
Dims batch_of(const Dims& shape);
Dims broadcast_batches(std::string_view op, const Dims& a, const Dims& b);

// What a product gives. Throws ShapeError or DtypeError as matmul.h says.
Spec spec_of_product(std::string_view op, const Spec& a, const Spec& b);

// Where the matrices of two operands begin, pair by pair.
class MatrixPairs {
 public:
  MatrixPairs() = default;  // one
  // Over the axes that they have together.
  MatrixPairs(const Dims& batch, const Tensor& a, const Tensor& b);

  Index count() const { return batch_.count(); }
  // In elements from the first of each operand.
  std::pair<Index, Index> offsets(Index pair) const;

 private:
  Dims batch_;
  Strides a_{}, b_{};
};

}  // namespace rw
