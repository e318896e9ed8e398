// Matrices packed for the product kernel (tensor/kernels/packed_product.h).
#pragma once

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// Whether it can stand on the right of a packed product: a matrix of floats.
bool is_packable(const Tensor& w);

// The packed form of w [k, n], whatever its strides.
Tensor packed(const Tensor& w);

// a [rows, k] times w [k, n]: any row has the bits that it has by itself, or in a loop.
Tensor packed_matmul(const Tensor& a, const Tensor& w);

}  // namespace engine
}  // namespace rw
