// A planned scan as an operation: interpreters see it like any other, and its derivative is another
// one.
#pragma once

#include "rewind/autograd/engine/plans.h"
#include "rewind/autograd/engine/run/run.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// A scan but for its tensors.
struct Scan {
  std::shared_ptr<const Recurrence> recurrence;
  std::shared_ptr<const RowSchedule> rows;
  bool reverse = false;
  Draws draws = {};
  // The same scan, but one that keeps what a rewind reads, where `recurrence` keeps nothing: the
  // rewind runs it first. Null: there is nothing to run again.
  std::shared_ptr<const Recurrence> again = {};
  // The step before it was arranged; null where nobody wrote one, as of the scan of a rewind.
  KnownStep written = {};
};

struct ScanInputs {
  std::vector<Tensor> invariants;  // of the step before its prelude
  std::vector<Tensor> inputs;      // [time, batch, ...]
  std::vector<Tensor> initial;
};

// May write over inputs that nobody else holds.
ScanResults apply_scan(const Scan& scan, ScanInputs in);

// The two halves of it. After the prelude the invariants are those of the arranged step.
struct PreparedInputs {
  ScanInputs in;
  std::vector<Tensor> captured;  // the invariants before the prelude
  int records = 0;               // that the prelude left on the tape, right before the scan's own
};
struct KeptResults {
  ScanResults results;
  std::vector<Tensor> kept;  // the outputs that a rewind reads, as recurrence.kept()
};
PreparedInputs prepare(const Recurrence& recurrence, ScanInputs in);
// What nobody else holds of the inputs may be written over.
KeptResults apply_prepared(const Scan& scan, PreparedInputs prepared);

bool is_scan(const Operation& operation);

}  // namespace engine
}  // namespace rw
