// The rewind of a scan: the scan over its backward step, in the other direction.
#pragma once

#include "rewind/autograd/engine/scan_op.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// What a rewind reads of a scan that ran; `invariants` are those of the arranged step, `outputs`
// those of recurrence.kept().
struct Kept {
  std::vector<Tensor> invariants, inputs, outputs;
};

// By position; undefined where there is none.
struct ScanGradients {
  std::vector<Tensor> invariants, inputs, initial;
};

// Of the arranged step's invariants and inputs those that are asked for, and of all initial states.
// What was kept for this rewind alone is written over.
ScanGradients rewind_scan(const Scan& scan, Kept kept, const ScanResults& arriving,
                          std::vector<bool> asked_invariants, std::vector<bool> asked_inputs);

}  // namespace engine
}  // namespace rw
