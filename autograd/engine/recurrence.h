// A planned scan: its step in canonical form, the program that runs it, and the backward step that
// goes with it, which is a planned scan again.
#pragma once

#include <memory>

#include "rewind/autograd/engine/compile/program.h"
#include "rewind/autograd/engine/derive/adjoint.h"
#include "rewind/autograd/engine/passes/canonical.h"
#include "rewind/autograd/engine/recent.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// Which tensors handed to a scan have gradients that somebody asks for.
struct Followed {
  std::vector<bool> invariants, inputs;
  bool any = false;  // one of these, or of the initial states
  friend bool operator==(const Followed&, const Followed&) = default;
};

// Which of the passes take part.
struct PlanOptions {
  Passes passes = {};
  ProgramOptions program = {};
  Keep keep = Keep::least;
  bool hold = true;  // states that steps return as they took them are planned as captured ones
  friend bool operator==(const PlanOptions&, const PlanOptions&) = default;
};

class Recurrence;

struct PlannedBackward {
  Backward wiring;  // its step is empty: it was planned
  std::shared_ptr<const Recurrence> recurrence;
};

// Never changes after it was made, but for what it remembers; threads may share it.
class Recurrence {
 public:
  // `followed` is of the step's invariants and inputs.
  Recurrence(const Step& step, Index batch, const Followed& followed,
             const PlanOptions& options = {});

  const Step& step() const { return program_.step; }
  const Prelude& prelude() const { return prelude_; }
  const Program& program() const { return program_; }
  Index batch() const { return program_.rows.batch; }
  // The outputs asked for; those behind them are kept for the backward step.
  std::size_t own_outputs() const { return own_outputs_; }
  // What it was planned to give gradients of, at most: nothing, where nobody follows.
  const Wanted& wanted() const { return wanted_; }
  // Outputs that the backward step reads, by position.
  const std::vector<int>& kept() const { return kept_; }

  // The backward scan for these gradients; with `record`, one that can be differentiated again. It
  // is planned when it is first asked for, and the last kRememberedBackward of them are remembered;
  // but not those where a rule of derivation brought numbers of its own along, which may be others
  // the next time.
  static constexpr std::size_t kRememberedBackward = 16;
  std::shared_ptr<const PlannedBackward> backward(const Wanted& wanted, bool record) const;

 private:
  using Key = std::vector<bool>;
  struct Known {
    Key key;
    std::shared_ptr<const PlannedBackward> planned;
  };
  std::shared_ptr<const PlannedBackward> plan_backward(const Wanted& wanted, bool record) const;

  Prelude prelude_;
  Program program_;
  std::size_t own_outputs_;
  Wanted wanted_;
  std::vector<int> kept_;
  PlanOptions options_;
  mutable Recent<Known> backward_{kRememberedBackward};
};

}  // namespace engine
}  // namespace rw
