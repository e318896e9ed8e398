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

// Both live for ever: streams of static lifetime, and threads that nobody waits for, may ask late.
Recent<Traced>& steps() {
  static Recent<Traced>& steps = *new Recent<Traced>(kRememberedPlans);
  return steps;
}
Recent<Plan>& plans() {
  static Recent<Plan>& plans = *new Recent<Plan>(kRememberedPlans);
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
  if (const auto known = plans().find(is_it)) return known->recurrence;
  Plan made{step, followed, options,
            std::make_shared<const Recurrence>(step_of(*step), batch, followed, options)};
  return plans().add(std::make_shared<const Plan>(std::move(made)), is_it)->recurrence;
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
  const auto is_it = [&](const Traced& known) { return same(known, traced); };
  if (KnownStep known = steps().find(is_it)) return known;
  auto made = std::make_shared<Traced>(traced);
  made->trace.captured_tensors.clear();
  made->holding = holding_of(*made);  // a step that is known by itself
  return steps().add(std::move(made), is_it);
}

const Holding* holding(const KnownStep& step) {
  return options_now.hold ? step->holding.get() : nullptr;
}

Followed followed_by_nobody(const KnownStep& step) {
  return {std::vector<bool>(step->trace.captured.size()), std::vector<bool>(step->inputs), false};
}

std::shared_ptr<const Recurrence> plan_of(const KnownStep& step, Index batch,
                                          const Followed& followed) {
  return plan(step, batch, followed, options_now);
}

std::shared_ptr<const Recurrence> single_step_plan_of(const KnownStep& step, Index batch) {
  PlanOptions options = options_now;
  options.program.single_steps = true;
  return plan(step, batch, followed_by_nobody(step), options);
}

std::size_t remembered_steps() { return steps().size(); }

std::size_t remembered_plans() { return plans().size(); }

}  // namespace rw::engine
