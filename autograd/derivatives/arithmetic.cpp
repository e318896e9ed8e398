#include "rewind/tensor/arithmetic.h"

#include "rewind/autograd/derivatives.h"

namespace rw {

void arithmetic_derivatives(Derivatives& d) {
  d.rule<Add>([](const Tensor& dy) { return dy; }, [](const Tensor& dy) { return dy; });
  d.rule<Subtract>([](const Tensor& dy) { return dy; }, [](const Tensor& dy) { return -dy; });
  d.rule<Multiply>([](const Tensor& dy, Input<1> b) { return dy * b; },
                   [](const Tensor& dy, Input<0> a) { return dy * a; });
  d.rule<Divide>([](const Tensor& dy, Input<1> b) { return dy / b; },
                 [](const Tensor& dy, Output y, Input<1> b) { return -(dy * y) / b; });
  d.rule<Affine>([](const Tensor& dy, const Affine& op) { return dy * op.scale; });
}

}  // namespace rw
