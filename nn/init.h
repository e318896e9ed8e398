// First values of weights. Each function fills a parameter in place and keeps its shape and dtype:
//
//   nn::init::orthogonal(cell.weight_hh, rng, {.blocks = 4});
//
// A weight is [out, in, ...]; fan_in is in times the sizes that follow, fan_out is out times these.
// A weight that holds several matrices one above the other, as the gates of a recurrent cell, says
// so by `blocks`: each is then filled as if it were alone. The numbers of float32 parameters are
// those of float64 ones, rounded.
#pragma once

#include "rewind/autograd/parameter.h"
#include "rewind/tensor/random.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {
namespace init {

void constant(Parameter& parameter, double value);

struct UniformRange {
  double low = 0, high = 1;
};
void uniform(Parameter& parameter, Rng& rng, UniformRange range);

struct NormalShape {
  double mean = 0, deviation = 1;
};
void normal(Parameter& parameter, Rng& rng, NormalShape shape = {});

struct Scaling {
  double gain = 1;
  Index blocks = 1;
};

// Variance gain^2 * 2 / (fan_in + fan_out): Glorot and Bengio, "Understanding the difficulty of
// training deep feedforward neural networks" (AISTATS 2010).
void xavier_uniform(Parameter& weight, Rng& rng, Scaling scaling = {});
void xavier_normal(Parameter& weight, Rng& rng, Scaling scaling = {});

// Variance gain^2 / fan_in, where gain sqrt(2) is right before a ReLU: He et al., "Delving deep
// into rectifiers" (ICCV 2015).
inline constexpr double kReluGain = 1.4142135623730951;
void kaiming_uniform(Parameter& weight, Rng& rng, Scaling scaling = {.gain = kReluGain});
void kaiming_normal(Parameter& weight, Rng& rng, Scaling scaling = {.gain = kReluGain});

// gain times a random matrix [out, in * ...] with orthonormal columns, or rows where there are
// fewer of them; every such matrix is equally likely. Saxe, McClelland and Ganguli, "Exact
// solutions to the nonlinear dynamics of learning in deep linear neural networks" (ICLR 2014).
void orthogonal(Parameter& weight, Rng& rng, Scaling scaling = {});

// Sets block `block` of `blocks` equal parts of a bias to `value`. The forget gate of an LSTM is
// block 1 of 4: forget_bias(cell.bias_ih, 1) makes a fresh cell remember (Jozefowicz, Zaremba and
// Sutskever, ICML 2015).
struct Block {
  Index block = 1, blocks = 4;
};
void forget_bias(Parameter& bias, double value, Block block = {});

}  // namespace init
}  // namespace nn
}  // namespace rw
