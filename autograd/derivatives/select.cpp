// What is not chosen gets no gradient by being left out, never by a product with 0: NaN there
// changes nothing.
#include "rewind/tensor/select.h"

#include "rewind/autograd/derivatives.h"
#include "rewind/tensor/comparison.h"

namespace rw {

void select_derivatives(Derivatives& d) {
  d.rule<Where>(
      stop, [](const Tensor& dy, Input<0> condition) { return where(condition, dy, 0); },
      [](const Tensor& dy, Input<0> condition) { return where(condition, 0, dy); });
  d.rule<MaskedFill>([](const Tensor& dy, Input<1> mask) { return masked_fill(dy, mask, 0); },
                     stop);
  d.rule<Clamp>(
      [](const Tensor& dy, const Clamp& op, Input<0> x) {  // the bounds belong to the inside
        return where(logical_and(x >= op.min, x <= op.max), dy, 0);
      });

  d.rule<Equal>(stop, stop);
  d.rule<NotEqual>(stop, stop);
  d.rule<Less>(stop, stop);
  d.rule<LessEqual>(stop, stop);
  d.rule<Greater>(stop, stop);
  d.rule<GreaterEqual>(stop, stop);
}

}  // namespace rw
