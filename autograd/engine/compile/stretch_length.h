// How many steps a stretch of time has (run/stretches.h).
#pragma once

#include "rewind/autograd/engine/compile/program.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// So many that their rows fill products, and no more than what the caches hold. All, where nothing
// runs outside of the loop.
Index steps_of_a_stretch(const Program& program);

}  // namespace engine
}  // namespace rw
