// With y = a b for matrices: da = dy b^T, db = a^T dy. A vector takes part as a matrix of one row
// (on the left) or one column (on the right); batches that were repeated are summed. Those of
// an ordered product are ordered products.
#include "rewind/tensor/matmul.h"

#include "rewind/autograd/derivatives.h"
#include "rewind/tensor/ordered_matmul.h"
#include "rewind/tensor/sum_to.h"
#include "rewind/tensor/views.h"

namespace rw {
namespace {

Tensor as_left(const Tensor& a) { return a.rank() == 1 ? unsqueeze(a, 0) : a; }
Tensor as_right(const Tensor& b) { return b.rank() == 1 ? unsqueeze(b, 1) : b; }

// dy with the axes of size 1 that vectors left out of the result.
Tensor as_product(const Tensor& dy, int rank_a, int rank_b) {
  const Tensor with_rows = rank_a == 1 ? unsqueeze(dy, rank_b == 1 ? -1 : -2) : dy;
  return rank_b == 1 ? unsqueeze(with_rows, -1) : with_rows;
}

// Sums the batches of g that an operand of this shape did not have; a vector loses its second axis.
Tensor to_operand(const Tensor& g, const Dims& shape, int axis_of_one) {
  if (shape.rank() > 1) return sum_to(g, shape);
  const Tensor matrix = g.rank() > 2 ? sum_to(g, {g.dim(-2), g.dim(-1)}) : g;
  return squeeze(matrix, axis_of_one);
}

template <class Op>
Tensor left_gradient(const Tensor& dy, const Tensor& b, const Spec& a) {
  const Tensor product = as_product(dy, a.rank(), b.rank());
  return to_operand(apply(Op{}, product, transpose(as_right(b))), a.shape, 0);
}

template <class Op>
Tensor right_gradient(const Tensor& dy, const Tensor& a, const Spec& b) {
  if (a.rank() > 2 && b.rank() == 2) {
    // One matrix beside a batch: one product over all rows, not a sum of many.
    const Index rows = a.shape().without(a.rank() - 1).count();
    return apply(Op{}, transpose(reshape(a, {rows, a.dim(-1)})), reshape(dy, {rows, dy.dim(-1)}));
  }
  const Tensor product = as_product(dy, a.rank(), b.rank());
  return to_operand(apply(Op{}, transpose(as_left(a)), product), b.shape, 1);
}

template <class Op>
void rules_of_product(Derivatives& d) {
  d.rule<Op>([](const Tensor& dy, Input<1> b, Shape<0> a) { return left_gradient<Op>(dy, b, a); },
             [](const Tensor& dy, Input<0> a, Shape<1> b) { return right_gradient<Op>(dy, a, b); });
}

}  // namespace

void matmul_derivatives(Derivatives& d) {
  rules_of_product<MatMul>(d);
  rules_of_product<OrderedMatMul>(d);
}

}  // namespace rw
