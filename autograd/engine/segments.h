// A scan in parts of time, each of which keeps only what went into it, and runs again when a rewind
// comes to it: of T steps in n segments no more is kept at a time than n states and what the T / n
// steps of one segment keep. (Griewank's checkpoints in one level; Chen and others 2016, "Training
// deep nets with sublinear memory cost".)
#pragma once

#include "rewind/autograd/engine/scan_op.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// `scan` is that of all steps, and has `again`; its step has no sums. The lengths differ by one at
// most; more segments than steps are as many as steps.
ScanResults apply_in_segments(const Scan& scan, const ScanInputs& in, Index segments);

}  // namespace engine
}  // namespace rw
