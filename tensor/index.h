// The one integer type of sizes, positions and integer tensors, and how many parts something has.
#pragma once

#include <cstdint>

namespace rw {

using Index = std::int64_t;

// Of `all` cut into parts of `each`, of which the last may be smaller.
constexpr Index count_of_parts(Index all, Index each) { return (all + each - 1) / each; }

}  // namespace rw
