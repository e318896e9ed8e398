// A recurrence over time as the plain loop, each operation seen by the tape and every other
// interpreter; and what it and scan (scan.h) are asked for and give.
#pragma once

#include <optional>
#include <utility>

#include "rewind/autograd/sequence.h"
#include "rewind/autograd/tree.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/views.h"

namespace [[gnu::visibility("default")]] rw {

template <class State>
struct ScanOptions {
  Lengths lengths = {};             // valid steps of each row; empty: all
  Tensor reset = {};                // bool [time, batch]; undefined: none
  std::optional<State> fresh = {};  // the state after a reset; wanted when `reset` is given
  bool reverse = false;             // from the last step to the first
  bool states = false;              // collect the state after every step
  // The rewind computes the steps again, in so many segments (at most one for each step), one at a
  // time; 0: all is kept. With about sqrt(time) of them what is kept falls to that of about
  // 2 sqrt(time) steps, for the time of one more forward pass. Same results, but for the order in
  // which gradients of weights are added up. A plain loop keeps everything in any case, and so does
  // a rewind that is recorded.
  Index segments = 0;
};

template <class State, class Outputs>
struct ScanResult {
  Outputs outputs;  // [time, batch, ...], in the order of xs also when reversed
  State final;      // of each row after its last valid step; the initial one for length 0
  State states;  // [time, batch, ...] after each step, when asked for; an ended row keeps its own
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

template <class>
inline constexpr bool kNever = false;

// The first word of the compiler on a step that does not fit, before it follows it into the loop.
// A step is called as step(x, state), or, without Inputs, as step(state).
template <class Step, class State, class... Inputs>
constexpr bool fits() {
  if constexpr (!(kIsTree<State> && ... && kIsTree<Inputs>)) {
    static_assert(kNever<State>,
                  "a state, input or output is a Tensor, a vector of them, or a plain struct of "
                  "these without constructors; the state or the input is none");
    return false;
  } else if constexpr (!std::is_invocable_v<Step&, Inputs..., const State&>) {
    static_assert(kNever<Step>,
                  "a step is called as step(x, state), without inputs as step(state); this one "
                  "takes other arguments, another number of them, or some that it may change: a "
                  "step takes const auto& x");
    return false;
  } else {
    using Result = StepResult<std::invoke_result_t<Step&, Inputs..., const State&>>;
    constexpr bool same = std::is_same_v<State, typename Result::State>;
    static_assert(same,
                  "a step returns the next State, of the type that it takes, or std::pair of that "
                  "and outputs; this one returns something else");
    return same;
  }
}

// What a step gives of these shapes, without computing it: the outputs of a sequence of which no
// step counts. Collects what the step mentions and a tape below follows.
class ShapesOnly final : public Interpreter {
 public:
  explicit ShapesOnly(std::vector<Tensor>& followed) : followed_(followed) {}
  void run(Call& call) override;

 private:
  std::vector<Tensor>& followed_;
  const Random same_{Random::state()};  // what the step draws here was never drawn
};

// y, as something that depends on these tensors, with gradients of 0.
Tensor depending_on(const std::vector<Tensor>& tensors, Tensor y);

// Throws ValueError when one of the tensors (called `what` in the message) is undefined.
void require_defined(std::string_view op, std::string_view what,
                     const std::vector<Tensor>& tensors);
// Throws ValueError when of one of them only the shape is known. For what reads numbers right away.
void require_numbers(std::string_view op, std::string_view what,
                     const std::vector<Tensor>& tensors);
// Throws ShapeError unless `given` (called `what` in the message) has the tensors of the state.
void require_like_state(std::string_view op, std::string_view what,
                        const std::vector<Tensor>& state, const std::vector<Tensor>& given);
// [time, batch, ...] -> time and batch; throws ShapeError when the tensors of xs disagree.
std::pair<Index, Index> time_and_batch(std::string_view op, const std::vector<Tensor>& xs);
// Throws ShapeError unless there are tensors in a state and each is [batch, ...].
void require_batch(std::string_view op, const std::vector<Tensor>& state, Index batch);
// The batch of the first one, which is that of all.
Index batch_of(std::string_view op, const std::vector<Tensor>& state);
// Throws ShapeError unless each output of a step has the batch as its first axis: with lengths it
// is 0 where a row has ended.
void require_rows(std::string_view op, const std::vector<Tensor>& outputs, Index batch);
// Throws unless mask is bool [batch].
void require_mask(std::string_view op, const Tensor& mask, Index batch);

// A tree of zeros of no steps, shaped like `tree` per step.
template <class Tree>
Tree no_steps(const Tree& tree) {
  return map_tensors(tree,
                     [](const Tensor& x) { return zeros(x.shape().with_front(0), x.dtype()); });
}

// Collects a tree at each step, and stacks it over time in the end: zeros where there was none.
template <class Tree>
class Collector {
 public:
  explicit Collector(Index time) : steps_(static_cast<std::size_t>(time)) {}

  void set(Index t, const Tree& tree) {
    steps_[static_cast<std::size_t>(t)] = tensors_of(tree);
    shape_ = tree;
  }

  bool knows_shape() const { return shape_.has_value(); }
  void set_shape(Tree tree) { shape_ = std::move(tree); }

  Tree stacked() const {
    if (steps_.empty()) return no_steps(*shape_);
    std::size_t field = 0;
    return map_tensors(*shape_, [&](const Tensor& like) {
      const Tensor nothing = zeros(like.shape(), like.dtype());
      std::vector<Tensor> column;
      column.reserve(steps_.size());
      for (const std::vector<Tensor>& step : steps_) {
        column.push_back(step.empty() ? nothing : step[field]);
      }
      field++;
      return stack(column);
    });
  }

 private:
  std::vector<std::vector<Tensor>> steps_;
  std::optional<Tree> shape_;
};

// One step of a sequence, as {State, Outputs}. Where the mask `active` does not hold, a row keeps
// its state and gives 0. Such a row computes what a row that counts does: from the padding, or from
// zeros in its place, it might meet a derivative that is infinite there, and 0 times that is NaN in
// the gradient of every weight.
template <class Step, class Inputs, class State>
auto masked_step(Step&& step, Inputs x, const State& state, const Sequence& sequence,
                 const Tensor& active) {
  using Result = StepResult<decltype(step(x, state))>;
  const bool all = !active.defined();
  const auto fill = [&](const Tensor& v) { return fill_rows(active, v, sequence.longest_row()); };
  auto result = all ? step(x, state) : step(map_tensors(x, fill), map_tensors(state, fill));
  auto y = Result::outputs(result);
  State next = Result::state(std::move(result));
  require_like_state("scan", "the state that the step returns", tensors_of(state),
                     tensors_of(next));
  require_defined("scan", "the outputs that the step returns", tensors_of(y));
  if (!sequence.whole()) require_rows("scan", tensors_of(y), sequence.batch());
  if (!all) {
    y = map_tensors(std::move(y), [&](const Tensor& v) { return keep_rows(active, v); });
    next = zip_tensors(std::move(next), state, [&](const Tensor& now, const Tensor& old) {
      return select_rows(active, now, old);
    });
  }
  return std::pair(std::move(next), std::move(y));
}

template <class State>
void check(const ScanOptions<State>& options, const State& state) {
  require(options.segments >= 0,
          "scan: {} segments; 0 keeps everything, 1 or more are computed again", options.segments);
  require(!options.reset.defined() || options.fresh.has_value(),
          "scan: reset is given without fresh, the state that a row starts anew with");
  if (options.fresh) {
    require_like_state("scan", "fresh", tensors_of(state), tensors_of(*options.fresh));
  }
}

// The loop, with the input of step t given by a function: what both forms of `loop` share.
template <class InputAt, class Step, class State>
auto run(InputAt&& input_at, Step&& step, State state, const Sequence& sequence,
         const ScanOptions<State>& options) {
  using Outputs = typename StepResult<decltype(step(input_at(0), state))>::Outputs;
  check(options, state);
  Collector<Outputs> outputs(sequence.time());
  Collector<State> states(options.states ? sequence.time() : 0);
  states.set_shape(state);

  for (Index k = 0; k < sequence.time(); k++) {
    const Index t = sequence.at(k);
    if (!sequence.idle(t)) {
      if (const Tensor starting = sequence.starting(t); starting.defined()) {
        state = zip_tensors(state, *options.fresh, [&](const Tensor& old, const Tensor& fresh) {
          return select_rows(starting, fresh, old);
        });
      }
      auto [next, y] = masked_step(step, input_at(t), state, sequence, sequence.active(t));
      state = std::move(next);
      outputs.set(t, y);
    }
    if (options.states) states.set(t, state);
  }
  std::vector<Tensor> followed;
  if (!outputs.knows_shape()) {
    const ShapesOnly shapes(followed);
    // Where there are steps, what stands there is padding.
    const auto x =
        map_tensors(input_at(0), [](const Tensor& v) { return Tensor::shape_only(v.spec()); });
    outputs.set_shape(masked_step(step, x, state, sequence, Tensor()).second);
  }
  Outputs y =
      map_tensors(outputs.stacked(), [&](const Tensor& v) { return depending_on(followed, v); });
  State all = options.states ? states.stacked() : State{};
  return ScanResult<State, Outputs>{std::move(y), std::move(state), std::move(all)};
}

}  // namespace scan_internal

// The plain loop over time, each operation seen by the tape and every other interpreter.
template <class Step, class Inputs, class State>
requires(!std::is_integral_v<Inputs>) auto loop(
    Step&& step, const Inputs& xs, const State& initial,
    const ScanOptions<std::type_identity_t<State>>& options = {}) {
  if constexpr (scan_internal::fits<Step, State, Inputs>()) {
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
}

// The same without inputs, for a number of steps: `state = step(state)`.
template <class Step, class State>
auto loop(Step&& step, Index steps, const State& initial,
          const ScanOptions<std::type_identity_t<State>>& options = {}) {
  if constexpr (scan_internal::fits<Step, State>()) {
    require<ShapeError>(steps >= 0, "scan: {} steps; the number of steps is zero or more", steps);
    const Index batch = scan_internal::batch_of("scan", tensors_of(initial));
    const Sequence sequence("scan", steps, batch, options.lengths, options.reset, options.reverse);
    auto nothing = [](Index) { return std::vector<Tensor>(); };
    auto stepped = [&](const std::vector<Tensor>&, const State& state) { return step(state); };
    return scan_internal::run(nothing, stepped, initial, sequence, options);
  }
}

}  // namespace rw
