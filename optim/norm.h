// The size of gradients: Euclidean norms that do not overflow on the way, and whether all is
// finite.
#pragma once

#include <span>

#include "rewind/autograd/gradients.h"

namespace rw {
namespace [[gnu::visibility("default")]] optim {

// sqrt(sum of squares), in double: right wherever the norm itself fits, so float32 gradients of
// 1e20 and float64 gradients of 1e200 (and of 1e-200) are. NaN and infinity give NaN or infinity.
// One fixed order of summation.
double norm(std::span<const float> x);
double norm(std::span<const double> x);
double norm(const Tensor& contiguous);

// The norm of the gradients of all parameters together, as one long vector. Terms are added up
// first; a parameter that is used in several places counts once. Watched tensors do not count.
double norm(const Gradients& gradients);

// Whether there is neither a NaN nor an infinity in it.
bool all_finite(const Tensor& contiguous);

// "parameter 'a' float32 [2], parameter 'b' float32 [3] and 4 more", for messages.
std::string list_of(const std::vector<const Variable*>& variables);

}  // namespace optim
}  // namespace rw
