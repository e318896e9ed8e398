// A planned scan as an operation: interpreters see it like any other, and its derivative is another
// one.
#pragma once

#include "rewind/autograd/engine/recurrence.h"
#include "rewind/autograd/engine/run.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct ScanResults {
  std::vector<Tensor> last;     // the states after the last step
  std::vector<Tensor> outputs;  // [time, batch, ...]
  std::vector<Tensor> sums;
};

// invariants are those of the step before its prelude; inputs [time, batch, ...].
ScanResults apply_scan(std::shared_ptr<const Recurrence> recurrence,
                       std::shared_ptr<const RowSchedule> rows, bool reverse, const Draws& draws,
                       const std::vector<Tensor>& invariants, const std::vector<Tensor>& inputs,
                       const std::vector<Tensor>& initial);

}  // namespace engine
}  // namespace rw
