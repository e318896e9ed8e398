// Losses of sequences of different lengths, from losses per step.
#pragma once

#include "rewind/autograd/sequence.h"
#include "rewind/nn/loss/reduction.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

// Which steps of which sequence count: bool [time, batch], true where step < lengths[row]. Throws
// IndexError unless 0 <= length <= time.
Tensor sequence_mask(Index time, const Lengths& lengths);

// The sum over time of losses per step [time, batch, ...], giving [batch, ...]. Steps past the end
// of a sequence are not looked at: NaN there changes neither the sum nor a gradient that arrives
// here. A sequence of length 0 has the loss 0.
Tensor sum_over_time(const Tensor& losses, const Lengths& lengths);

// The same divided by the length of each sequence; 0 for length 0.
Tensor mean_over_time(const Tensor& losses, const Lengths& lengths);

}  // namespace nn
}  // namespace rw
