// With p = softmax(x): d softmax = p (dy - sum(p dy)), d log_softmax = dy - p sum(dy),
// d logsumexp = p dy.
//
// A logit of -inf has p = 0: softmax and logsumexp pass it nothing, log_softmax passes on the dy of
// its own result, which is -inf as well (as in PyTorch; a loss that leaves it out passes 0). Where
// a row has no softmax (all logits -inf, or one +inf), p counts as 0 instead of NaN, in the rules
// alone: a row that is masked out afterwards passes nothing on, while 0 * NaN would poison all that
// came before it. The replacement stands in front of every product, so that it holds for higher
// derivatives too. Rewinds that nobody records have the first two rules in one pass.
#include "rewind/autograd/derivatives/softmax.h"

#include <limits>

#include "rewind/autograd/derivatives.h"
#include "rewind/autograd/derivatives/reduced.h"
#include "rewind/tensor/blocks.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/kernels/tables.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/rounding.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/unary.h"

namespace rw {
namespace {

// dx from dy and y, for every table along an axis.
template <class F>
void each_table(int axis, const Tensor& dy, const Tensor& y, Tensor& dx, F kernel) {
  const Tensor arrived = row_major(dy), result = row_major(y);
  dispatch_float("softmax", dy.dtype(), [&](auto v) {
    using T = decltype(v);
    kernels::for_each_table(dx.shape(), axis,
                            [kernel, from = arrived.data<T>(), of = result.data<T>(),
                             to = output_data<T>(dx)](Index first, kernels::Table table) {
                              kernel(from + first, of + first, to + first, table);
                            });
  });
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor without_nan(const Tensor& x, double instead) { return masked_fill(x, isnan(x), instead); }

// exp(x - y): 1 for the +inf that made y so, 0 for a -inf.
Tensor probabilities(const Tensor& x, const Tensor& y) {
  const Tensor difference = masked_fill(x - y, equal(x, y), 0);
  return exp(masked_fill(difference, equal(x, -kInfinity), -kInfinity));
}

}  // namespace

Spec SoftmaxBackward::infer(const Spec& dy, const Spec&) const { return dy; }

void SoftmaxBackward::run(const Tensor& dy, const Tensor& y, Tensor& dx) const {
  each_table(axis, dy, y, dx, [](auto... all) { kernels::softmax_backward(all...); });
}

Spec LogSoftmaxBackward::infer(const Spec& dy, const Spec&) const { return dy; }

void LogSoftmaxBackward::run(const Tensor& dy, const Tensor& y, Tensor& dx) const {
  each_table(axis, dy, y, dx, [](auto... all) { kernels::log_softmax_backward(all...); });
}

void softmax_derivatives(Derivatives& d) {
  d.rule<Softmax>([](const Tensor& dy, const Softmax& op, Output y) {
     const Tensor p = without_nan(y, 0);
     return p * (dy - sum(p * dy, op.axis, true));
   }).unrecorded([](const Tensor& dy, const Softmax& op, Output y) {
    return apply(SoftmaxBackward{op.axis}, dy, y);
  });
  d.rule<LogSoftmax>([](const Tensor& dy, const LogSoftmax& op, Output y) {
     return dy - exp(without_nan(y, -kInfinity)) * sum(dy, op.axis, true);
   }).unrecorded([](const Tensor& dy, const LogSoftmax& op, Output y) {
    return apply(LogSoftmaxBackward{op.axis}, dy, y);
  });
  d.rule<LogSumExp>([](const Tensor& dy, const LogSumExp& op, Input<0> x, Output y) {
    return beside(op, dy, x.spec()) * probabilities(x, beside(op, y, x.spec()));
  });
}

}  // namespace rw
