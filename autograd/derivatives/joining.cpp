#include "rewind/tensor/joining.h"

#include "rewind/autograd/derivatives.h"
#include "rewind/tensor/views.h"

namespace rw {

void joining_derivatives(Derivatives& d) {
  d.rule<Concat>([](const Tensor& dy, const Concat& op, Shapes x, Sink dx) {
    Index from = 0;
    for (int i = 0; i < dx.size(); i++) {
      const Index size = x[i].dim(static_cast<int>(op.axis));
      if (dx.wanted(i)) dx.set(i, slice(dy, op.axis, from, from + size));
      from += size;
    }
  });
  d.rule<Stack>([](const Tensor& dy, const Stack& op, Sink dx) {
    for (int i = 0; i < dx.size(); i++) {
      if (dx.wanted(i)) dx.set(i, select(dy, op.axis, i));
    }
  });
  d.rule<Pad>([](const Tensor& dy, const Pad& op, Shape<0> x) {
    Tensor dx = dy;
    for (int axis = 0; axis < x->rank(); axis++) {
      dx = slice(dx, axis, op.before[axis], op.before[axis] + x->dim(axis));
    }
    return dx;
  });
}

}  // namespace rw
