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

Tensor GateWeights::from_input(const Tensor& x) const { return linear(x, weight_ih, bias_ih); }
Tensor GateWeights::from_hidden(const Tensor& h) const { return linear(h, weight_hh, bias_hh); }

}  // namespace rw::nn
