// The terms of a gradient through a scan: what each use of a captured tensor, at each step, adds to
// it.
//
// A planned scan adds them up where it can, in one product over all steps, and does with captured
// tensors alone what it can before the loop; the single terms are gone then. So they are found by
// another scan: of the step as it was written, in which each use of such a tensor is an input of
// its own, the same at every step. The gradients of these inputs, one for every step, are the
// terms. That scan is planned at every call, and remembered by nobody: terms are for looking at.
#pragma once

#include "rewind/autograd/engine/scan_op.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct Term {
  std::size_t invariant;
  Tensor values;
};

// Of the invariants that are asked for, the terms of all steps and uses, in the order in which a
// tape would meet them: the last first. `in` is what the scan took, `arriving` the gradients that
// arrive at what it gave. Throws GradientError when a scan inside the step uses what is asked for.
std::vector<Term> terms_of_uses(const Scan& scan, const ScanInputs& in, const ScanResults& arriving,
                                const std::vector<bool>& asked);

}  // namespace engine
}  // namespace rw
