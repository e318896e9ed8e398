// What runs at every step of a program, in words: instruction by instruction, and why those that
// run by kernels of their own do.
#pragma once

#include "rewind/autograd/engine/explain/names.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

std::string text_of_loop(const Program& program, const Names& names);

}  // namespace engine
}  // namespace rw
