#include "rewind/tensor/unary.h"

#include "rewind/autograd/derivatives.h"
#include "rewind/tensor/rounding.h"

namespace rw {

void unary_derivatives(Derivatives& d) {
  d.rule<Exp>([](const Tensor& dy, Output y) { return dy * y; });
  d.rule<Expm1>([](const Tensor& dy, Output y) { return dy * (y + 1); });
  d.rule<Log>([](const Tensor& dy, Input<0> x) { return dy / x; });
  d.rule<Log1p>([](const Tensor& dy, Input<0> x) { return dy / (x + 1); });
  d.rule<Sqrt>([](const Tensor& dy, Output y) { return dy / (2 * y); });
  d.rule<Rsqrt>([](const Tensor& dy, Output y) { return -0.5 * (dy * y * y * y); });
  d.rule<Square>([](const Tensor& dy, Input<0> x) { return 2 * (dy * x); });
  d.rule<Reciprocal>([](const Tensor& dy, Output y) { return -(dy * y * y); });
  d.rule<Sin>([](const Tensor& dy, Input<0> x) { return dy * cos(x); });
  d.rule<Cos>([](const Tensor& dy, Input<0> x) { return -(dy * sin(x)); });
  d.rule<Abs>([](const Tensor& dy, Input<0> x) { return dy * sign(x); });  // 0 at 0

  // Constant wherever they have a derivative.
  d.rule<Sign>(stop);
  d.rule<Floor>(stop);
  d.rule<Round>(stop);
  d.rule<IsNan>(stop);
  d.rule<IsFinite>(stop);
}

}  // namespace rw
