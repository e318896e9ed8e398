#include "rewind/autograd/engine/entry.h"

#include "rewind/autograd/engine/plans.h"
#include "rewind/autograd/engine/scan_op.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;

bool is_followed(const Tensor& x) { return Tape::current() && Interpreter::any_holds(x.mark()); }

std::vector<bool> are_followed(const Tensors& tensors) {
  std::vector<bool> result;
  for (const Tensor& x : tensors) result.push_back(is_followed(x));
  return result;
}

Traced traced_step(const ScanRequest& request) {
  std::vector<Spec> specs;
  for (const Tensor& x : request.inputs) specs.push_back(x.spec().with_shape(x.shape().without(0)));
  for (const Tensor& x : request.initial) specs.push_back(x.spec());
  const std::size_t states = request.initial.size();
  Trace steps = trace(
      specs,
      [&](const Tensors& in) {
        Tensors results = request.step(in);
        if (request.states) {
          const Tensors next(results.begin(),
                             results.begin() + static_cast<std::ptrdiff_t>(states));
          results.insert(results.end(), next.begin(), next.end());
        }
        return results;
      },
      true);
  return {std::move(steps), request.inputs.size(), states};
}

// Whether a row counts at a step, bool [time, batch].
Tensor active_rows(const ScanRequest& request) {
  Tensor active = Tensor::uninitialized({{request.time, request.batch}, boolean});
  auto next = active.mutable_span<bool>().begin();
  for (Index t = 0; t < request.time; t++) {
    for (const Index length : request.lengths) *next++ = t < length;
  }
  return active;
}

// The states after every step; where a row does not count, the one in which it rests.
Tensor keep_resting(const Tensor& active, const Tensor& states, const Tensor& resting) {
  Dims shape = active.shape();
  while (shape.rank() < states.rank()) shape.push_back(1);
  return where(reshape(active, shape), states, unsqueeze(resting, 0));
}

}  // namespace

std::optional<ScanAnswer> scan_planned(const ScanRequest& request) {
  const Rng before = Random::state();
  const Traced traced = traced_step(request);
  if (traced.trace.draws > 0 && is_tracing()) {  // the outer step numbers its draws itself
    Random::set_state(before);
    return std::nullopt;
  }
  Followed followed{are_followed(traced.trace.captured_tensors), are_followed(request.inputs)};
  for (const auto* flags : {&followed.invariants, &followed.inputs}) {
    for (const bool flag : *flags) followed.any |= flag;
  }
  for (const Tensor& x : request.initial) followed.any |= is_followed(x);

  const auto schedule = std::make_shared<const RowSchedule>(
      request.lengths.empty() ? RowSchedule(request.time, request.batch)
                              : RowSchedule(request.time, request.lengths));
  const Draws draws{before.seed(), before.draw(), traced.trace.draws, request.reverse};
  Random::set_state(Rng(before.seed(), before.draw() + static_cast<std::uint64_t>(
                                                           schedule->busy_steps() * draws.each)));
  ScanResults results =
      apply_scan(plan_of(traced, request.batch, followed), schedule, request.reverse, draws,
                 traced.trace.captured_tensors, request.inputs, request.initial);
  ScanAnswer answer;
  answer.last = std::move(results.last);
  const auto states = std::ssize(results.outputs) -
                      (request.states ? std::ssize(request.initial) : std::ptrdiff_t{0});
  answer.outputs.assign(results.outputs.begin(), results.outputs.begin() + states);
  answer.states.assign(results.outputs.begin() + states, results.outputs.end());
  if (!schedule->whole()) {
    const Tensor active = active_rows(request);
    for (std::size_t i = 0; i < answer.states.size(); i++) {
      const Tensor& resting = request.reverse ? request.initial[i] : answer.last[i];
      answer.states[i] = keep_resting(active, answer.states[i], resting);
    }
  }
  return answer;
}

}  // namespace rw::engine
