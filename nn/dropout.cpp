#include "rewind/nn/dropout.h"

#include "rewind/autograd/tape.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/select.h"

namespace rw::nn {
namespace {

void check(double p) {
  require(p >= 0 && p <= 1, "dropout: p is {}; a probability lies in [0, 1]", p);
}

}  // namespace

Tensor dropout(const Tensor& x, double p) {
  check(p);
  if (p == 0 || !training()) return x;
  // With p = 1 nothing stays to be scaled, and 1 / (1 - p) would turn its zeros into NaN.
  const double scale = p < 1 ? 1 / (1 - p) : 1;
  return masked_fill(x, bernoulli(x.shape(), {.p = p, .dtype = boolean}), 0) * scale;
}

Dropout::Dropout(double probability) : p(probability) { check(p); }

}  // namespace rw::nn
