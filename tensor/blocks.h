// A block is a box of evenly spaced elements inside a tensor that lies row after row: what joining,
// padding and updating write into.
#pragma once

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {

struct Block {
  Dims shape;
  Strides strides{};  // in elements of the tensor around it
  Index offset = 0;
};

// The block of a whole tensor of this shape.
Block whole_block(const Dims& shape);

// Of `block`, along one of its axes only the positions start, start + step, ... `count` of them.
Block narrowed(const Block& block, int axis, Index start, Index count, Index step = 1);

// y[block] = x, and y[block] += x. x has the block's shape and the dtype of y; y is contiguous, its
// storage is not that of x. Adding wraps for int64 and throws DtypeError for bool.
void copy_into(const Tensor& x, Tensor& y, const Block& block);
void add_into(const Tensor& x, Tensor& y, const Block& block);

// x itself when its elements lie row after row, else a copy whose elements do. For kernels: others
// want the operation `contiguous` (views.h).
Tensor row_major(const Tensor& x);

}  // namespace rw
