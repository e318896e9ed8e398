#include "rewind/nn/cell.h"

#include <cmath>

#include "rewind/nn/linear.h"

namespace rw::nn {

Tensor zero_state(Index batch, Index hidden, const Parameter& weight) {
  require<ShapeError>(batch >= 0, "initial: a batch of {} rows", batch);
  return zeros({batch, hidden}, weight.spec().dtype);
}

GateWeights::GateWeights(Index gates, Index input, Index hidden, Rng& rng) {
  require<ShapeError>(input > 0 && hidden > 0,
                      "cell: input size {} and hidden size {}; both are 1 or more", input, hidden);
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  auto draw = [&](const Dims& shape) {
    return Parameter(uniform(shape, {.low = -bound, .high = bound}, rng));
  };
  weight_ih = draw({gates * hidden, input});
  weight_hh = draw({gates * hidden, hidden});
  bias_ih = draw({gates * hidden});
  bias_hh = draw({gates * hidden});
}

// The weight is named, since compilers differ in the order of arguments, and gradients come in the
// order of first use.
Tensor GateWeights::from_input(const Tensor& x) const {
  // A vector would broadcast over the rows of the state: [time, input] read as [time, batch].
  require<ShapeError>(x.rank() == 2,
                      "cell: the input of a step is [batch, {}], got {}; a sequence of one row is "
                      "[time, 1, {}]",
                      weight_ih.shape()[1], x.shape(), weight_ih.shape()[1]);
  const Tensor w = weight_ih;
  return linear(x, w, bias_ih);
}

Tensor GateWeights::from_hidden(const Tensor& h) const {
  const Tensor w = weight_hh;
  return linear(h, w, bias_hh);
}

}  // namespace rw::nn
