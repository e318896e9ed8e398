// Where several elements are the greatest (or the smallest) they share the gradient evenly, so that
// exchanging two of them changes nothing. Positions have no derivative.
#include "rewind/tensor/extrema.h"

#include "rewind/autograd/derivatives.h"
#include "rewind/autograd/derivatives/reduced.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/sorting.h"

namespace rw {
namespace {

// dy where a is the chosen one, half of it where a and b are equal.
Tensor share(const Tensor& dy, const Tensor& chosen, const Tensor& tied) {
  return where(chosen, dy, where(tied, 0.5 * dy, 0));
}

template <class Op>
void share_among_ties(Derivatives& d) {
  d.rule<Op>([](const Tensor& dy, const Op& op, Input<0> x, Output y) {
    const Tensor chosen = equal(x, beside(op, y, x.spec()));
    const Tensor ties = apply(Sum{{op.axes, true}}, where(chosen, ones_like(x), 0));
    // Nothing equals NaN: there dy is divided by 1, and left out, and so is what comes back to it.
    return where(chosen, beside(op, dy, x.spec()) / maximum(ties, 1), 0);
  });
}

}  // namespace

void extrema_derivatives(Derivatives& d) {
  d.rule<Maximum>(
      [](const Tensor& dy, Input<0> a, Input<1> b) {
        return share(dy, greater(a, b), equal(a, b));
      },
      [](const Tensor& dy, Input<0> a, Input<1> b) { return share(dy, less(a, b), equal(a, b)); });
  d.rule<Minimum>(
      [](const Tensor& dy, Input<0> a, Input<1> b) { return share(dy, less(a, b), equal(a, b)); },
      [](const Tensor& dy, Input<0> a, Input<1> b) {
        return share(dy, greater(a, b), equal(a, b));
      });
  share_among_ties<Max>(d);
  share_among_ties<Min>(d);

  d.rule<ArgMax>(stop);
  d.rule<ArgMin>(stop);
  d.rule<ArgSort>(stop);
  d.rule<ArgTopK>(stop);
  d.rule<Categorical>(stop);
}

}  // namespace rw
