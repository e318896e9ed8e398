#include "rewind/tensor/reduction.h"

#include <algorithm>

#include "rewind/autograd/derivatives.h"
#include "rewind/autograd/derivatives/reduced.h"
#include "rewind/tensor/cumsum.h"

namespace rw {

void reduction_derivatives(Derivatives& d) {
  d.rule<Sum>([](const Tensor& dy, const Sum& op, Shape<0> x) { return spread(op, dy, x); });
  d.rule<Mean>([](const Tensor& dy, const Mean& op, Shape<0> x) {
    return spread(op, dy / std::max<Index>(elements_each(x->shape, op.axes), 1), x);
  });
  // y = sum((x - mean)^2) / (n - c), where what the mean depends on cancels.
  d.rule<Var>([](const Tensor& dy, const Var& op, Input<0> x) {
    const Tensor centred = x - apply(Mean{{op.axes, true}}, static_cast<const Tensor&>(x));
    const double scale = x.size() == 0 ? 0 : 2 / op.divisor(x.shape());
    return scale * (beside({op.axes, op.keepdims}, dy, x.spec()) * centred);
  });
  d.rule<Any>(stop);
  d.rule<All>(stop);

  d.rule<CumSum>([](const Tensor& dy, const CumSum& op) {
    return apply(CumSum{op.axis, !op.reverse}, dy);
  });
}

}  // namespace rw
