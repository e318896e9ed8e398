// Sequences of unequal length as one tensor and their lengths.
#pragma once

#include <span>
#include <vector>

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {

using IdSequences = std::span<const std::vector<Index>>;

struct Padded {
  Tensor values;               // [time, batch, ...], time the greatest length
  std::vector<Index> lengths;  // of each sequence, in the order of the batch
};

// Sequences of ids side by side, int64 [time, batch]; `fill` stands behind the end of each. Targets
// are padded with the index that the loss ignores. Empty sequences, and none at all, are legal.
Padded pad_sequences(IdSequences sequences, Index fill);

// Those of the sequences that `rows` names, in that order: a batch of `plan_batches`.
Padded pad_sequences(IdSequences sequences, std::span<const Index> rows, Index fill);

// Sequences of anything, each [time, ...] with one dtype and the same sizes after the first:
// [time, batch, ...]. Made of operations: of sequences that were computed under a tape, gradients
// go on to what they were computed from. Throws ShapeError and DtypeError where they differ,
// ShapeError for none.
Padded pad_sequences(std::span<const Tensor> sequences, double fill);

struct BatchOptions {
  Index batch = 32;    // sequences in a batch, at most
  Index tokens = 0;    // steps times sequences in a batch, padding included, at most; 0: no limit
  Index window = 100;  // like lengths are brought together within so many batches; 1: not at all
  Index seed = 0;
  bool shuffle = true;
};

// Which sequences form the batches of an epoch, by their numbers. The order is shuffled; within
// each stretch of `window` batches it is sorted by length, so that little is padded, and cut; and
// the batches are shuffled in turn, so that lengths come mixed. Every sequence is in exactly one
// batch; one longer than `tokens` is alone in its own. A function of its arguments alone: a run
// resumes by skipping the batches that are done. Without `.shuffle` the sequences stay in order,
// and only those that stand together share a batch.
std::vector<std::vector<Index>> plan_batches(std::span<const Index> lengths,
                                             const BatchOptions& options, Index epoch);

}  // namespace rw
