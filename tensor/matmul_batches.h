// What the two products (matmul.h, ordered_matmul.h) make of the shapes of their operands: the axes
// before the last two are batches, which broadcast.
#pragma once

#include <string_view>
#include <utility>

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {

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
