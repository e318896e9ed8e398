#include "rewind/autograd/engine/plans.h"

#include "rewind/autograd/engine/recent.h"

namespace rw::engine {
namespace {

struct Plan {
  KnownStep step;
  Followed followed;
  PlanOptions options;
  std::shared_ptr<const Recurrence> recurrence;
};

constinit thread_local PlanOptions options_now;
constinit thread_local NotedPlans* notes = nullptr;

Recent<KnownStep>& steps() {
  static Recent<KnownStep> steps(kRememberedPlans);
  return steps;
}
Recent<Plan>& plans() {
  static Recent<Plan> plans(kRememberedPlans);
  return plans;
}

bool same(const Traced& a, const Traced& b) {
  const Trace &p = a.trace, &q = b.trace;
  return a.inputs == b.inputs && a.states == b.states && p.draws == q.draws &&
         p.arguments == q.arguments && p.captured == q.captured && p.results == q.results &&
         p.changing == q.changing && p.graph == q.graph;
}

std::shared_ptr<const Recurrence> plan(const KnownStep& step, Index batch, const Followed& followed,
                                       const PlanOptions& options) {
  const auto is_it = [&](const Plan& p) {
    return p.step == step && p.followed == followed && p.options == options;
  };
  {
    const std::scoped_lock lock(plans().mutex);
    if (const Plan* known = plans().find(is_it)) return known->recurrence;
  }
  // Planned without the lock: another thread may do the same at the same time, to the same end.
  auto recurrence = std::make_shared<const Recurrence>(step_of(*step), batch, followed, options);
  const std::scoped_lock lock(plans().mutex);
  if (const Plan* known = plans().find(is_it)) return known->recurrence;
  plans().add({step, followed, options, recurrence});
  return recurrence;
}

}  // namespace

Step step_of(const Traced& traced) {
  const Trace& trace = traced.trace;
  const auto arguments = trace.arguments.begin(), results = trace.results.begin();
  const auto inputs = static_cast<std::ptrdiff_t>(traced.inputs);
  const auto states = static_cast<std::ptrdiff_t>(traced.states);
  Step step;
  step.graph = trace.graph;
  step.invariants = trace.captured;
  step.inputs.assign(arguments, arguments + inputs);
  step.input_rows.assign(traced.inputs, 0);
  step.states.assign(arguments + inputs, trace.arguments.end());
  step.next.assign(results, results + states);
  step.outputs.assign(results + states, trace.results.end());
  step.output_rows.assign(step.outputs.size(), 0);
  return step;
}

PlanningWith::PlanningWith(const PlanOptions& options)
    : before_(std::exchange(options_now, options)) {}
PlanningWith::~PlanningWith() { options_now = before_; }

NotedPlans::NotedPlans() : outer_(std::exchange(notes, this)) {}
NotedPlans::~NotedPlans() { notes = outer_; }

void note_plan(const KnownStep& step, Index batch, const std::vector<Tensor>& captured) {
  if (notes && !TracingScope::any()) notes->noted_.push_back({step, batch, captured});
}

KnownStep known_step(const Traced& traced) {
  const auto found = [&] {
    const KnownStep* known = steps().find([&](const KnownStep& k) { return same(*k, traced); });
    return known ? *known : nullptr;
  };
  {
    const std::scoped_lock lock(steps().mutex);
    if (KnownStep known = found()) return known;
  }
  auto made = std::make_shared<Traced>(traced);
  made->trace.captured_tensors.clear();
  made->holding = holding_of(*made);  // a step that is known by itself
  const std::scoped_lock lock(steps().mutex);
  if (KnownStep known = found()) return known;
  steps().add(made);
  return made;
}

const Holding* holding(const KnownStep& step) {
  return options_now.hold ? step->holding.get() : nullptr;
}

std::shared_ptr<const Recurrence> plan_of(const KnownStep& step, Index batch,
                                          const Followed& followed) {
  return plan(step, batch, followed, options_now);
}

std::shared_ptr<const Recurrence> single_step_plan_of(const KnownStep& step, Index batch) {
  const Followed nothing{std::vector<bool>(step->trace.captured.size()),
                         std::vector<bool>(step->inputs), false};
  PlanOptions options = options_now;
  options.program.single_steps = true;
  return plan(step, batch, nothing, options);
}

std::size_t remembered_steps() {
  const std::scoped_lock lock(steps().mutex);
  return steps().size();
}

std::size_t remembered_plans() {
  const std::scoped_lock lock(plans().mutex);
  return plans().size();
}

}  // namespace rw::engine
