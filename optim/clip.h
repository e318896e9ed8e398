// Limits on the size of gradients, between `backward` and `step`. They speak of parameters:
// watched tensors among the gradients are neither counted nor changed.
//
//   const double norm = optim::clip_norm(gradients, 1.0);
//
// Both return the norm from before, of all parameters together: what a training log wants. When it
// is not finite they throw GradientError with the names of the parameters to blame, and change
// nothing; with .skip_non_finite they return it and change nothing, for an optimizer that skips
// such a step. Both throw ValueError for a limit that is negative or NaN.
//
// What they change is a number from then on: a tape that recorded the gradient does not follow.
#pragma once

#include "rewind/autograd/gradients.h"

namespace rw {
namespace [[gnu::visibility("default")]] optim {

struct ClipOptions {
  bool skip_non_finite = false;
};

// Scales all gradients by one factor, so that their norm is at most `max_norm` (Pascanu, Mikolov,
// Bengio: On the difficulty of training recurrent neural networks, 2013). Gradients that are small
// enough stay as they are, to the bit. An infinite limit only measures.
double clip_norm(Gradients& gradients, double max_norm, const ClipOptions& options = {});

// Limits each element to -max_value .. max_value. The terms of a gradient are added up for it.
double clip_value(Gradients& gradients, double max_value, const ClipOptions& options = {});

}  // namespace optim
}  // namespace rw
