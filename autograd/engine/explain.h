// A program in words: what was hoisted, sunk, packed, fused and kept, what runs at every step by
// its own kernel, and how the rows are shared.
#pragma once

#include <string>

#include "rewind/autograd/engine/program.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

std::string to_string(const Program& program);

}  // namespace engine
}  // namespace rw
