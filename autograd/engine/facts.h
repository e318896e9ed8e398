// What the passes ask of an operation beside its shape rule and its derivative. Nothing needs to
// be said of an operation for it to work in a step: what is not known here runs at every step, by
// its own kernel.
#pragma once

#include "rewind/autograd/engine/graph.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// The same numbers in another arrangement.
bool is_view(const Operation& operation);

// Each element of the result from the elements at the same place.
bool is_elementwise(const Operation& operation);

// Draws new numbers at every step.
bool is_random(const Operation& operation);

// Cheaper to do again than to remember: element-wise work and arrangement, no products, no sums.
bool is_light(const Operation& operation);

}  // namespace engine
}  // namespace rw
