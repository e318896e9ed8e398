#include "rewind/autograd/engine/entry.h"

#include <algorithm>
#include <array>

#include "rewind/autograd/engine/plans.h"
#include "rewind/autograd/engine/segments.h"
#include "rewind/autograd/engine/trace/follow.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;

// Of a scan inside a step that is traced derivatives may be asked later.
bool is_followed(const Tensor& x) {
  if (TracingScope::any()) return is_float(x.dtype());
  return Tape::current() && Interpreter::any_holds(x.mark());
}

std::vector<bool> are_followed(const Tensors& tensors) {
  std::vector<bool> result;
  for (const Tensor& x : tensors) result.push_back(is_followed(x));
  return result;
}

// The step with the shapes of its arguments, and, when asked for, the next states as outputs, too.
struct Wrapped {
  const ScanRequest& request;
  std::vector<Spec> arguments;

  explicit Wrapped(const ScanRequest& r) : request(r) {
    for (const Tensor& x : r.inputs) arguments.push_back(x.spec().with_shape(x.shape().without(0)));
    for (const Tensor& x : r.initial) arguments.push_back(x.spec());
  }
  Tensors operator()(const Tensors& in) const {
    Tensors results = request.step(in);
    if (!request.states) return results;
    const auto states = static_cast<std::ptrdiff_t>(request.initial.size());
    const Tensors next(results.begin(), results.begin() + states);
    results.insert(results.end(), next.begin(), next.end());
    return results;
  }
  bool fits(const Traced& known) const {
    if (known.inputs != request.inputs.size() || known.states != request.initial.size())
      return false;
    for (std::size_t i = 0; i < arguments.size(); i++) {
      if (known.trace.graph.spec(known.trace.arguments[i]) != arguments[i]) return false;
    }
    return true;
  }
};

struct Understood {
  KnownStep step;
  Tensors captured;
};

// What the step does: most likely the same as that of one of the last scans of this thread.
Understood understand(const ScanRequest& request) {
  thread_local std::array<KnownStep, 4> recent;
  const Wrapped step(request);
  std::vector<ChangingNumbers> changing;
  for (std::size_t i = 0; i < recent.size(); i++) {
    if (!recent[i] || !step.fits(*recent[i])) continue;
    const KnownStep known = recent[i];  // the step may scan, too
    Following following = follow(known->trace, step);
    if (following.same) {
      const auto found = std::find(recent.begin(), recent.end(), known);
      if (found != recent.end()) std::rotate(recent.begin(), found, found + 1);
      return {known, std::move(following.captured)};
    }
    if (changing.empty()) changing = std::move(following.changing);
  }
  const Traced traced{trace_as_written(step.arguments, step, changing), request.inputs.size(),
                      request.initial.size()};
  std::move_backward(recent.begin(), recent.end() - 1, recent.end());
  recent[0] = known_step(traced);
  return {recent[0], traced.trace.captured_tensors};
}

// The states after every step; where a row does not count, the one in which it rests.
Tensor keep_resting(const Tensor& active, const Tensor& states, const Tensor& resting) {
  Dims shape = active.shape();
  while (shape.rank() < states.rank()) shape.push_back(1);
  return where(reshape(active, shape), states, unsqueeze(resting, 0));
}

// The inputs of the scan; what it holds for its steps is among the invariants.
ScanInputs inputs_of(const ScanRequest& request, Tensors captured, const Holding* held) {
  ScanInputs in{std::move(captured), request.inputs, request.initial};
  if (!held) return in;
  const Tensors invariant = held->of_held(request.initial);
  in.invariants.insert(in.invariants.end(), invariant.begin(), invariant.end());
  in.initial = held->of_others(request.initial);
  return in;
}

Followed followed_of(const ScanInputs& in) {
  const std::vector<bool> invariants = are_followed(in.invariants);
  const std::vector<bool> inputs = are_followed(in.inputs), states = are_followed(in.initial);
  bool any = false;
  for (const auto* flags : {&invariants, &inputs, &states}) {
    any |= std::find(flags->begin(), flags->end(), true) != flags->end();
  }
  return {invariants, inputs, any};
}

ScanResults apply_planned(Scan scan, const ScanInputs& in, const KnownStep& step, Index segments) {
  if (segments == 0) return apply_scan(scan, in);
  const Index batch = scan.recurrence->batch();
  scan.again = std::exchange(scan.recurrence, plan_of(step, batch, followed_by_nobody(step)));
  return apply_in_segments(scan, in, segments);
}

ScanAnswer answer_of(const ScanRequest& request, ScanResults results, const Holding* held,
                     const RowSchedule& rows) {
  ScanAnswer answer;
  answer.last =
      held ? held->all(held->of_held(request.initial), results.last) : std::move(results.last);
  const std::size_t states = request.states ? request.initial.size() : 0;
  const auto first_state = results.outputs.end() - static_cast<std::ptrdiff_t>(states);
  answer.outputs.assign(results.outputs.begin(), first_state);
  answer.states.assign(first_state, results.outputs.end());
  if (rows.whole() || states == 0) return answer;
  const Tensor active = rows.active();
  for (std::size_t i = 0; i < states; i++) {
    const Tensor& resting = request.reverse ? request.initial[i] : answer.last[i];
    answer.states[i] = keep_resting(active, answer.states[i], resting);
  }
  return answer;
}

}  // namespace

std::optional<ScanAnswer> scan_planned(const ScanRequest& request) {
  const Rng before = Random::state();
  Understood understood = understand(request);
  const Index draws_of_a_step = understood.step->trace.draws;
  if (draws_of_a_step > 0 && TracingScope::any()) {  // the outer step numbers its draws itself
    Random::set_state(before);
    return std::nullopt;
  }
  // Of a captured tensor it is not always known what its rows are, of a state it is: with lengths
  // that counts for more.
  const Holding* const held = request.lengths.empty() ? holding(understood.step) : nullptr;
  const KnownStep& step = held ? held->step : understood.step;
  const ScanInputs in = inputs_of(request, std::move(understood.captured), held);
  note_plan(step, request.batch, in.invariants);
  const Followed followed = followed_of(in);

  const auto rows = std::make_shared<const RowSchedule>(
      request.lengths.empty() ? RowSchedule(request.time, request.batch)
                              : RowSchedule(request.time, request.lengths));
  const Draws draws{before.seed(), before.draw(), draws_of_a_step, request.reverse};
  const auto drawn = static_cast<std::uint64_t>(rows->busy_steps() * draws.each);
  Random::set_state(Rng(before.seed(), before.draw() + drawn));
  Scan scan{plan_of(step, request.batch, followed), rows, request.reverse, draws};
  if (followed.any && !TracingScope::any()) scan.written = step;
  return answer_of(request, apply_planned(std::move(scan), in, step, request.segments), held,
                   *rows);
}

}  // namespace rw::engine
