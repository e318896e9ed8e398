#include "rewind/tensor/division.h"

#include "rewind/autograd/derivatives.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/unary.h"

namespace rw {
namespace {

// b a^(b - 1), and 0 for the constant a^0 at a = 0, where that form says 0 * inf.
Tensor pow_by_base(const Tensor& a, const Tensor& b) {
  const Tensor constant = logical_and(equal(a, 0), equal(b, 0));
  return b * pow(a, masked_fill(b - 1, constant, 0));
}

// y log(a). At a = 0 it is -inf for b < 0, where y = inf, and 0 for b > 0, where y falls to 0
// faster than the logarithm grows. The jump at b = 0 has no derivative and counts as 0, so that a^0
// stays constant. Derivatives of these are finite from b = 0 on as well; the mixed one by a and b,
// which has no finite limit at b = 0 and b = 1, is 1 there for the base first and 0 for the
// exponent.
Tensor pow_by_exponent(const Tensor& a, const Tensor& b, const Tensor& y) {
  return y * log(masked_fill(a, logical_and(equal(a, 0), b >= 0), 1));
}

}  // namespace

void division_derivatives(Derivatives& d) {
  d.rule<FloorDivide>(stop, stop);  // constant wherever it has a derivative
  d.rule<Remainder>([](const Tensor& dy) { return dy; },
                    [](const Tensor& dy, Input<0> a, Input<1> b) {
                      return -(dy * floor_divide(static_cast<const Tensor&>(a), b));
                    });
  d.rule<Pow>([](const Tensor& dy, Input<0> a, Input<1> b) { return dy * pow_by_base(a, b); },
              [](const Tensor& dy, Input<0> a, Input<1> b, Output y) {
                return dy * pow_by_exponent(a, b, y);
              });
  // What comes back from int64 or bool is no gradient: such results have no place on the tape.
  d.rule<Convert>([](const Tensor& dy, Shape<0> x) { return to(dy, x->dtype); });
}

}  // namespace rw
