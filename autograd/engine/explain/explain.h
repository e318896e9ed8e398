// Plans in words: what was hoisted, sunk, packed, fused, kept and aliased, what runs at every step
// by its own kernel and why, and how the rows are shared. (autograd/explain.h is for users.)
#pragma once

#include "rewind/autograd/engine/explain/names.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// What was traced, the plan of it, and that of the way back for the gradients of everything. What
// the step captured is called by these names, in the order of its trace (names_of_captured).
std::string explained(const KnownStep& step, Index batch, const std::vector<std::string>& captured);

}  // namespace engine
}  // namespace rw
