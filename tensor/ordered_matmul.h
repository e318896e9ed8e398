// The product of matrices whose bits depend on nothing around them.
#pragma once

#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {

// matmul (matmul.h), with every element one sum in ascending order, in one accumulator: its bits
// depend on its row and its column alone, not on which others stand beside them or how many, not
// on the layout of the operands, and not on the number of threads. BLAS rounds a row by the number
// of rows and by its place among them.
//
// Level with BLAS for matrices of many rows, and slower where few rows meet a matrix for the first
// time, since its blocks are arranged anew at every call. Takes no memory where `a` is contiguous.
// In a step of a scan it is a matmul like others.
struct OrderedMatMul {
  static constexpr std::string_view name = "ordered_matmul";
  Spec infer(const Spec& a, const Spec& b) const;
  void run(const Tensor& a, const Tensor& b, Tensor& out) const;
};

Tensor ordered_matmul(const Tensor& a, const Tensor& b);

}  // namespace rw
