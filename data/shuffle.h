// Orders that can be told again: a permutation is a function of a seed and an epoch, so a training
// run that was stopped needs to remember only where it was.
#pragma once

#include <vector>

#include "rewind/tensor/error.h"
#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {

// Where a run stands in its data: the epoch, and the batches of it that are done.
struct DataPosition {
  Index epoch = 0;
  Index batch = 0;
  friend bool operator==(const DataPosition&, const DataPosition&) = default;
};

// A permutation of 0 .. count - 1, the same on every machine. Each is as likely as any other, to
// 2^-64 per choice. Epochs of one seed, and the draws of a random scope with that seed, share no
// random number.
std::vector<Index> shuffled(Index count, Index seed, Index epoch);

}  // namespace rw
