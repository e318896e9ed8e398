// A recurrence over time: `state = step(xs[t], state)` for every t.
//
//   auto [ys, last] = scan([&](const Tensor& x, const Tensor& h) { return cell.step(x, h); }, xs,
//   h0);
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
#pragma once

#include <optional>
#include <utility>

#include "rewind/autograd/sequence.h"
#include "rewind/autograd/tree.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/views.h"

namespace [[gnu::visibility("default")]] rw {

template <class State>
struct ScanOptions {
  Lengths lengths = {};             // valid steps of each row; empty: all
  Tensor reset = {};                // bool [time, batch]; undefined: none
  std::optional<State> fresh = {};  // the state after a reset; wanted when `reset` is given
  bool reverse = false;             // from the last step to the first
  bool states = false;              // collect the state after every step
};

template <class State, class Outputs>
struct ScanResult {
  Outputs outputs;  // [time, batch, ...], in the order of xs also when reversed
  State final;      // of each row after its last valid step; the initial one for length 0
  State
      states;  // [time, batch, ...] after each step, when asked for; a row that has ended keeps its
};

namespace scan_internal {

template <class T>
struct StepResult {
  using State = T;
  using Outputs = Tensor;
  static State state(T result) { return result; }
  static Outputs outputs(const T& result) { return first_tensor(result); }
};
template <class S, class O>
struct StepResult<std::pair<S, O>> {
  using State = S;
  using Outputs = O;
  static State state(std::pair<S, O> result) { return std::move(result.first); }
  static Outputs outputs(const std::pair<S, O>& result) { return result.second; }
};

// What a step gives of these shapes, without computing it: the outputs of a sequence of no steps.
class ShapesOnly final : public Interpreter {
 public:
  void run(Call& call) override { call.type.infer(call.op, call.inputs, call.outputs); }
};

void require_states_alike(std::string_view op, const std::vector<Tensor>& before,
                          const std::vector<Tensor>& after);
// [time, batch, ...] -> time and batch; throws ShapeError when the tensors of xs disagree.
std::pair<Index, Index> time_and_batch(std::string_view op, const std::vector<Tensor>& xs);
// Throws ShapeError unless every tensor of a state is [batch, ...].
void require_batch(std::string_view op, const std::vector<Tensor>& state, Index batch);

// Collects a tree at each step, and stacks it over time in the end.
template <class Tree>
class Collector {
 public:
  explicit Collector(Index time) : steps_(static_cast<std::size_t>(time)) {}

  void set(Index t, const Tree& tree) {
    steps_[static_cast<std::size_t>(t)] = tensors_of(tree);
    shape_ = tree;
  }

  Tree stacked() const {
    std::size_t field = 0;
    return map_tensors(*shape_, [&](const Tensor&) {
      std::vector<Tensor> column;
      column.reserve(steps_.size());
      for (const std::vector<Tensor>& step : steps_) column.push_back(step[field]);
      field++;
      return stack(column);
    });
  }

 private:
  std::vector<std::vector<Tensor>> steps_;
  std::optional<Tree> shape_;
};

// A tree of zeros of no steps, shaped like `tree` per step.
template <class Tree>
Tree no_steps(const Tree& tree) {
  return map_tensors(tree, [](const Tensor& x) {
    Dims shape{0};
    for (Index size : x.shape()) shape.push_back(size);
    return zeros(shape, x.dtype());
  });
}

// The loop, with the input of step t given by a function: what both forms of `loop` share.
template <class InputAt, class Step, class State>
auto run(InputAt&& input_at, Step&& step, State state, const Sequence& sequence,
         const ScanOptions<State>& options) {
  using Result = StepResult<decltype(step(input_at(0), state))>;
  using Outputs = typename Result::Outputs;
  static_assert(std::is_same_v<State, typename Result::State>,
                "scan: the step returns another type of state than it takes");
  require(!options.reset.defined() || options.fresh.has_value(),
          "scan: reset is given without fresh, the state that a row starts anew with");
  const State initial = state;
  Collector<Outputs> outputs(sequence.time());
  Collector<State> states(options.states ? sequence.time() : 0);

  for (Index k = 0; k < sequence.time(); k++) {
    const Index t = sequence.at(k);
    if (const Tensor starting = sequence.starting(t); starting.defined()) {
      state = zip_tensors(state, *options.fresh, [&](const Tensor& old, const Tensor& fresh) {
        return select_rows(starting, fresh, old);
      });
    }
    const Tensor active = sequence.active(t);
    auto x = input_at(t);
    if (active.defined()) {
      x = map_tensors(std::move(x), [&](const Tensor& v) { return keep_rows(active, v); });
    }
    auto result = step(x, state);
    Outputs y = Result::outputs(result);
    State next = Result::state(std::move(result));
    require_states_alike("scan", tensors_of(initial), tensors_of(next));
    if (active.defined()) {
      y = map_tensors(std::move(y), [&](const Tensor& v) { return keep_rows(active, v); });
      next = zip_tensors(std::move(next), state, [&](const Tensor& now, const Tensor& old) {
        return select_rows(active, now, old);
      });
    }
    state = std::move(next);
    outputs.set(t, y);
    if (options.states) states.set(t, state);
  }
  if (sequence.time() > 0) {
    State all = options.states ? states.stacked() : State{};
    return ScanResult<State, Outputs>{outputs.stacked(), std::move(state), std::move(all)};
  }
  const Outputs shape = [&] {
    const ShapesOnly shapes;
    return Result::outputs(step(input_at(0), state));
  }();
  return ScanResult<State, Outputs>{no_steps(shape), state,
                                    options.states ? no_steps(state) : State{}};
}

}  // namespace scan_internal

// The plain loop over time, each operation seen by the tape and every other interpreter.
template <class Step, class Inputs, class State>
requires(!std::is_integral_v<Inputs>) auto loop(
    Step&& step, const Inputs& xs, const State& initial,
    const ScanOptions<std::type_identity_t<State>>& options = {}) {
  const auto [time, batch] = scan_internal::time_and_batch("scan", tensors_of(xs));
  scan_internal::require_batch("scan", tensors_of(initial), batch);
  const Sequence sequence("scan", time, batch, options.lengths, options.reset, options.reverse);
  const bool empty = time == 0;
  auto input_at = [&](Index t) {
    return map_tensors(xs, [&](const Tensor& x) {
      // With no steps only the shape of an input exists.
      return empty ? Tensor::shape_only({x.shape().without(0), x.dtype()}) : x[t];
    });
  };
  return scan_internal::run(input_at, step, initial, sequence, options);
}

// The same without inputs, for a number of steps: `state = step(state)`.
template <class Step, class State>
auto loop(Step&& step, Index steps, const State& initial,
          const ScanOptions<std::type_identity_t<State>>& options = {}) {
  require<ShapeError>(steps >= 0, "scan: {} steps; the number of steps is zero or more", steps);
  const Index batch = first_tensor(initial).dim(0);
  scan_internal::require_batch("scan", tensors_of(initial), batch);
  const Sequence sequence("scan", steps, batch, options.lengths, options.reset, options.reverse);
  auto nothing = [](Index) { return std::vector<Tensor>(); };
  auto stepped = [&](const std::vector<Tensor>&, const State& state) { return step(state); };
  return scan_internal::run(nothing, stepped, initial, sequence, options);
}

// Equal to `loop` up to the order of sums.
template <class Step, class Inputs, class State>
auto scan(Step&& step, const Inputs& xs, const State& initial,
          const ScanOptions<std::type_identity_t<State>>& options = {}) {
  return loop(std::forward<Step>(step), xs, initial, options);
}

}  // namespace rw
