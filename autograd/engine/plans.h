// Plans, remembered by what was traced. A plan is found by the content of a trace, compared in
// full, never by the address or the type of a cell: so none can be stale. Change a field of a cell,
// and the next call plans anew.
#pragma once

#include "rewind/autograd/engine/held_states.h"
#include "rewind/autograd/engine/recurrence.h"
#include "rewind/autograd/engine/trace/trace.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// A traced step: its first arguments are inputs, the others states; its first results are the next
// states, the others outputs.
struct Traced {
  Trace trace;
  std::size_t inputs, states;
  std::shared_ptr<const Holding> holding = {};  // of one that is known: how it is planned; or null
};

Step step_of(const Traced& traced);

// One that is remembered, without the tensors that it captured. The same content is the same one.
using KnownStep = std::shared_ptr<const Traced>;

// Until the end of the scope, plans of this thread are made with these passes: so that what a pass
// gives and takes can be compared. Options are part of what a plan is found by.
class [[nodiscard]] PlanningWith {
 public:
  explicit PlanningWith(const PlanOptions& options);
  ~PlanningWith();
  PlanningWith(const PlanningWith&) = delete;
  PlanningWith& operator=(const PlanningWith&) = delete;

 private:
  PlanOptions before_;
};

// At most so many steps, and so many plans, are remembered; the least recently used go first.
// Threads may call these.
inline constexpr std::size_t kRememberedPlans = 128;
KnownStep known_step(const Traced& traced);
// Its `holding`, unless the passes of this thread leave it out.
const Holding* holding(const KnownStep& step);
// For a plan that gives nobody a gradient.
Followed followed_by_nobody(const KnownStep& step);
std::shared_ptr<const Recurrence> plan_of(const KnownStep& step, Index batch,
                                          const Followed& followed);
// The same step, by itself: for a stream. It is not derived.
std::shared_ptr<const Recurrence> single_step_plan_of(const KnownStep& step, Index batch);

// Notes the steps that scans of this thread are planned for until the end of the scope; not those
// of scans inside of a step.
class [[nodiscard]] NotedPlans {
 public:
  struct Noted {
    KnownStep step;
    Index batch;
    std::vector<Tensor> captured;  // by it, in the order of its trace
  };

  NotedPlans();
  ~NotedPlans();
  NotedPlans(const NotedPlans&) = delete;
  NotedPlans& operator=(const NotedPlans&) = delete;

  const std::vector<Noted>& all() const { return noted_; }

 private:
  friend void note_plan(const KnownStep&, Index, const std::vector<Tensor>&);
  NotedPlans* outer_;
  std::vector<Noted> noted_;
};
// To the innermost of these, where there is one.
void note_plan(const KnownStep& step, Index batch, const std::vector<Tensor>& captured);

// How many are remembered now.
std::size_t remembered_steps();
std::size_t remembered_plans();

}  // namespace engine
}  // namespace rw
