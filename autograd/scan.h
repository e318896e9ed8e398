// A recurrence over time: `state = step(xs[t], state)` for every t.
//
//   auto step = [&](const Tensor& x, const Tensor& h) { return cell.step(x, h); };
//   const auto result = scan(step, xs, h0);     // .outputs, .final
//
// States, inputs and outputs are trees of tensors (tree.h) with the batch as the first axis of each
// tensor; inputs and collected outputs have time before it: [time, batch, ...]. A step returns the
// next State, or {State, Outputs}; the output of a bare State is its first tensor.
//
// Lengths: where a step does not count for a row, the row's state stays, its output is 0, and
// nothing of it enters any gradient; padding is never read (NaN there changes nothing). Resets: a
// row whose reset[t] holds enters step t with the state `fresh`; a reversed pass enters with it the
// step that precedes a start.
//
// Back-propagation through time is what the tape does with the loop; no cell needs a gradient of
// its own.
//
// `scan` plans the step (autograd/engine): it is called on shapes alone, a few times, and what it
// does is arranged anew for all steps. So a step must not read numbers of its arguments, and must
// do the same whenever it is called: what it counts or collects outside of itself is not counted at
// every step, and nobody notices. A step that does such things needs `loop`, which applies it
// plainly at every step.
#pragma once

#include "rewind/autograd/engine/entry.h"
#include "rewind/autograd/loop.h"

namespace [[gnu::visibility("default")]] rw {

// Until the end of the scope every scan of this thread is a plain loop, each operation of each step
// seen by the tape and every other interpreter: for debuggers, prints, and comparison.
class [[nodiscard]] PlainLoops {
 public:
  PlainLoops();
  ~PlainLoops();
  PlainLoops(const PlainLoops&) = delete;
  PlainLoops& operator=(const PlainLoops&) = delete;
};

namespace scan_internal {

// Whether a scan of this thread is to be a plain loop: in a PlainLoops scope, and where somebody
// listens to what steps note.
bool loops_are_plain();

// A planned scan, where there can be one. `apply(inputs, state)` runs the step on the inputs of one
// step, given as a list.
template <class Apply, class State>
auto planned(Apply&& apply, const std::vector<Tensor>& inputs, Index time, const State& initial,
             const ScanOptions<State>& options) {
  using Result = StepResult<decltype(apply(inputs, initial))>;
  using Outputs = typename Result::Outputs;
  using Answer = std::optional<ScanResult<State, Outputs>>;
  const std::vector<Tensor> states = tensors_of(initial);
  const Index batch = first_tensor(initial).dim(0);
  if (time == 0 || batch == 0 || loops_are_plain()) return Answer();
  const Sequence sequence("scan", time, batch, options.lengths, options.reset, options.reverse);
  check(options, initial);
  std::vector<Tensor> all_inputs = inputs;
  const bool resets = options.reset.defined();
  if (resets) all_inputs.push_back(sequence.starting_rows());

  std::optional<Outputs> outputs;  // as the step returns them
  const auto step = [&](const std::vector<Tensor>& in) {
    const std::span all(in);
    State state = with_tensors(initial, all.subspan(all_inputs.size()));
    if (resets) {
      const Tensor& starting = in[inputs.size()];
      state = zip_tensors(state, *options.fresh, [&](const Tensor& old, const Tensor& fresh) {
        return select_rows(starting, fresh, old);
      });
    }
    auto result = apply(all.first(inputs.size()), state);
    outputs = Result::outputs(result);
    std::vector<Tensor> results = tensors_of(Result::state(std::move(result)));
    require_like_state("scan", "the state that the step returns", states, results);
    require_defined("scan", "the outputs that the step returns", tensors_of(*outputs));
    if (!sequence.whole()) require_rows("scan", tensors_of(*outputs), batch);
    for_each_tensor(*outputs, [&](const Tensor& y) { results.push_back(y); });
    return results;
  };
  const auto answer =
      engine::scan_planned({all_inputs, states, time, batch, options.lengths, options.reverse,
                            options.states, options.segments, step});
  if (!answer) return Answer();
  return Answer({with_tensors(*outputs, answer->outputs), with_tensors(initial, answer->last),
                 options.states ? with_tensors(initial, answer->states) : State{}});
}

}  // namespace scan_internal

// Equal to `loop` up to the order of sums, and to denormal numbers, which count as zero here
// (FlushDenormals of tensor/float_mode.h), whatever the caller asked for.
template <class Step, class Inputs, class State>
requires(!std::is_integral_v<Inputs>) auto scan(
    Step&& step, const Inputs& xs, const State& initial,
    const ScanOptions<std::type_identity_t<State>>& options = {}) {
  if constexpr (scan_internal::fits<Step, State, Inputs>()) {
    const std::vector<Tensor> inputs = tensors_of(xs);
    const auto [time, batch] = scan_internal::time_and_batch("scan", inputs);
    scan_internal::require_batch("scan", tensors_of(initial), batch);
    const auto apply = [&](std::span<const Tensor> in, const State& state) {
      return step(with_tensors(xs, in), state);
    };
    auto result = scan_internal::planned(apply, inputs, time, initial, options);
    return result ? std::move(*result) : loop(step, xs, initial, options);
  }
}

// The same without inputs, for a number of steps: `state = step(state)`.
template <class Step, class State>
auto scan(Step&& step, Index steps, const State& initial,
          const ScanOptions<std::type_identity_t<State>>& options = {}) {
  if constexpr (scan_internal::fits<Step, State>()) {
    require<ShapeError>(steps >= 0, "scan: {} steps; the number of steps is zero or more", steps);
    scan_internal::batch_of("scan", tensors_of(initial));
    const auto apply = [&](std::span<const Tensor>, const State& state) { return step(state); };
    auto result = scan_internal::planned(apply, {}, steps, initial, options);
    return result ? std::move(*result) : loop(step, steps, initial, options);
  }
}

}  // namespace rw
