// Whether a step does what it did when it was traced before. Most calls of a scan repeat one; then
// nothing needs to be recorded, inferred or compared afterwards.
#pragma once

#include <optional>

#include "rewind/autograd/engine/trace.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

using TracedStep = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

// Runs the step on the shapes of `known` and holds each of its operations against those there, in
// full. The tensors that it captured this time, or nothing: then it does something else, and is to
// be traced. The trace was made as written. Throws what the step throws.
std::optional<std::vector<Tensor>> follow(const Trace& known, const TracedStep& step);

}  // namespace engine
}  // namespace rw
