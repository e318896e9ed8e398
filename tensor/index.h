// The one integer type of sizes, positions and integer tensors.
#pragma once

#include <cstdint>

namespace rw {

using Index = std::int64_t;

}  // namespace rw
