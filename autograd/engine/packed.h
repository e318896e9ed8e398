// Matrices packed for the product kernel (tensor/kernels/packed_product.h).
#pragma once

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// Whether it can stand on the right of a packed product: a matrix of floats.
bool is_packable(const Tensor& w);

// The packed form of w [k, n], whatever its strides. It is remembered, and with it w itself:
// numbers that are held are never written to (a write copies them first), so what was packed of
// them stays right. Forms of numbers that nobody else holds any more are forgotten when another is
// made; so a training step packs once after each update, inference once in all. Threads may share
// it.
Tensor packed(const Tensor& w);

// How many forms are remembered now.
std::size_t remembered_forms();

// a [rows, k] times w [k, n]: any row has the bits that it has by itself, or in a loop.
Tensor packed_matmul(const Tensor& a, const Tensor& w);

}  // namespace engine
}  // namespace rw
