// A recurrence that runs one time step at a time and owns its state: for players, plug-ins, servers
// and samplers.
//
//   auto player = stream([&](const Tensor& x, const State& s) { return cell.step(x, s); }, x0, s0);
//   player.step(in, out);      // one step's numbers: arrays, vectors, spans
//   player.run(in, out);       // several steps' numbers, one after the other
//   Tensor ys = player.run(xs) // a block [time, batch, ...]
//
// It takes any step that scan takes. Where inputs or outputs are a tree of several tensors, numbers
// are given for each, in the order of the fields:
//
//   auto speaker = stream(step, Heard{tokens, levels}, s0);
//   speaker.step({tokens, levels}, {words, gain});       // arrays, vectors, spans
//   Said said = speaker.step(Heard{tokens, levels});     // tensors
//
// The step is planned when the stream is made (as scan plans it, scan.h), and bound to memory. Its
// results have the same bits as those of scan over the same inputs, however the inputs are cut into
// blocks.
//
// A step of spans throws nothing, starts no threads and takes neither memory nor a lock, but for
// what a kernel takes for itself: for running sums, variances and sorting, say, to bring an axis to
// the end, as BLAS does for products with a matrix that each row has of its own, or as an operation
// of a user that makes tensors.
//
// It follows the weights: what an optimizer or anybody else writes to a parameter, and another
// parameter put into its place, is seen at the next step; that one step takes memory and a lock,
// unless `refresh` was called before. What else the step mentions (tensors that are no parameters,
// sizes and switches of the cell, and a container of cells that was swapped with another, by which
// no parameter moves) is as it was when the stream was made, until `refresh`.
#pragma once

#include "rewind/autograd/engine/stream/stream_loop.h"
#include "rewind/autograd/scan.h"
#include "rewind/autograd/stream_numbers.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/views.h"

namespace rw {

// Those of a step that is called as step(state).
struct NoInputs {};

// One thread at a time per stream; several streams may share one model.
template <class State, class Inputs = Tensor, class Outputs = Tensor>
class Stream {
  static_assert(kIsTree<State> && kIsTree<Inputs> && kIsTree<Outputs>,
                "a state, input or output is a Tensor, a vector of them, or a plain struct of "
                "these without constructors");
  static constexpr bool kHasInputs = !std::is_same_v<Inputs, NoInputs>;
  using AllIn = std::span<const StreamIn>;
  using AllOut = std::span<const StreamOut>;

 public:
  // `example` has the shapes and dtypes of one step's inputs, [batch, ...]; its numbers do not
  // matter. Throws what the step throws, and ShapeError when it returns another state than it
  // takes, or when the state's tensors are not [batch, ...], too.
  template <class Step>
  Stream(Step step, const Inputs& example, const State& state)
      : like_(shapes_of(state)),
        loop_(on_lists(std::move(step), example), specs_of(example, state), tensors_of(state)) {}

  // What one step takes and gives: of each tensor, in the order of the fields.
  const std::vector<Spec>& input_specs() const { return loop_.input_specs(); }
  const std::vector<Spec>& output_specs() const { return loop_.output_specs(); }
  // The first of these; most steps have no other.
  const Spec& input_spec() const requires kHasInputs { return input_specs()[0]; }
  const Spec& output_spec() const {
    require<ShapeError>(!output_specs().empty(), "stream: the output of a step holds no tensor");
    return output_specs()[0];
  }

  // Rows that go through it; `select` may change that.
  Index batch() const { return loop_.batch(); }

  // One time step, recorded by no tape. Made for callers that an exception must not pass through:
  // numbers of another type or count than input_specs and output_specs say end the program, with a
  // message, which `check` throws; and so does what the step itself throws.
  template <stream_internal::Numbers In, stream_internal::Numbers Out>
  void step(const In& in, Out&& out) noexcept {
    step({StreamIn(in)}, {StreamOut(out)});
  }
  void step(std::initializer_list<StreamIn> in, std::initializer_list<StreamOut> out) noexcept {
    step(AllIn(in), AllOut(out));
  }
  void step(std::span<const StreamIn> in, std::span<const StreamOut> out) noexcept {
    advance(1, in, out);
  }

  // Many steps, one after the other: as many as the inputs have numbers for, or, where there are
  // none, as the outputs have room for. Else as `step`.
  template <stream_internal::Numbers In, stream_internal::Numbers Out>
  void run(const In& in, Out&& out) noexcept {
    run({StreamIn(in)}, {StreamOut(out)});
  }
  void run(std::initializer_list<StreamIn> in, std::initializer_list<StreamOut> out) noexcept {
    run(AllIn(in), AllOut(out));
  }
  void run(std::span<const StreamIn> in, std::span<const StreamOut> out) noexcept {
    advance(stream_internal::steps_of(input_specs(), in, output_specs(), out), in, out);
  }

  // Throws ShapeError or DtypeError where so many steps of these would end the program.
  template <stream_internal::Numbers In, stream_internal::Numbers Out>
  void check(const In& in, Out&& out, Index steps = 1) const {
    check({StreamIn(in)}, {StreamOut(out)}, steps);
  }
  void check(std::initializer_list<StreamIn> in, std::initializer_list<StreamOut> out,
             Index steps = 1) const {
    check(AllIn(in), AllOut(out), steps);
  }
  void check(std::span<const StreamIn> in, std::span<const StreamOut> out, Index steps = 1) const {
    stream_internal::require_numbers(steps, input_specs(), in);
    stream_internal::require_numbers(steps, output_specs(), out);
  }

  // The same for the tensors of one step. Throws ShapeError or DtypeError when they are not of
  // input_specs, ValueError when they are of a step that is traced, and what the step itself
  // throws, of a token outside of its table, say; the state then stays.
  Outputs step(const Inputs& x) requires kHasInputs {
    const std::vector<Tensor> in = tensors_of(x);
    stream_internal::require_step(input_specs(), in);
    return advanced(1, in, false);
  }
  Outputs step() requires(!kHasInputs) { return advanced(1, {}, false); }

  // Many steps, xs [time, batch, ...]. The outputs, [time, batch, ...].
  Outputs run(const Inputs& xs) requires kHasInputs {
    const std::vector<Tensor> in = tensors_of(xs);
    return advanced(stream_internal::require_block(input_specs(), in), in, true);
  }
  Outputs run(Index steps) requires(!kHasInputs) {
    require<ShapeError>(steps >= 0, "stream: {} steps; the number of steps is zero or more", steps);
    return advanced(steps, {}, true);
  }

  // Looks at the step anew, as was done when the stream was made; the state stays. For changes that
  // a step does not follow, and to be ready for those that it does. Throws as the constructor does,
  // and ShapeError when the outputs have other shapes now; then nothing has changed.
  void refresh() { loop_.refresh(); }

  State state() const { return with_tensors(like_, loop_.state()); }
  // Where a state is one that every step returns as it took it, a context say, giving it another
  // takes memory and a lock, here and in `reset`. Throws ShapeError when the shapes are not those
  // of the state there is.
  void set_state(const State& state) {
    require_like_mine("the given state", state);
    loop_.set_state(tensors_of(state));
  }

  // Gives the rows where the mask (bool [batch]) holds the state `to`. Throws ShapeError or
  // DtypeError when they do not fit the state there is.
  void reset(const Tensor& mask, const State& to) {
    require_like_mine("the state to reset to", to);
    scan_internal::require_mask("stream", mask, loop_.batch());
    loop_.reset(mask, tensors_of(to));
  }

  // Row i goes on from what row rows[i] was, int64: the survivors of a beam. Changes the batch to
  // the number of rows given; then the step is planned for that batch, and what it mentions must
  // have it already. Throws as `take` does, and as the constructor.
  void select(const Tensor& rows) {
    require<ShapeError>(rows.rank() == 1, "stream: rows to select are int64 [rows], got {}",
                        rows.spec());
    loop_.select(rows);
    like_ = shapes_of(state());
  }

 private:
  static std::vector<Spec> specs_of(const Inputs& example, const State& state) {
    std::vector<Spec> specs;
    if constexpr (kHasInputs) {
      specs = stream_internal::specs_of_example(tensors_of(example));
      scan_internal::require_batch("stream", tensors_of(state), specs[0].dim(0));
    } else {
      scan_internal::batch_of("stream", tensors_of(state));
    }
    return specs;
  }
  template <class Tree>
  static Tree shapes_of(const Tree& tree) {
    return map_tensors(tree, [](const Tensor& x) {
      return x.defined() ? Tensor::shape_only(x.spec()) : Tensor();
    });
  }
  void require_like_mine(std::string_view what, const State& given) const {
    scan_internal::require_like_state("stream", what, tensors_of(like_), tensors_of(given));
  }

  // The step on the inputs and the states as one list, to the next states and the outputs.
  template <class Step>
  engine::StreamLoop::Step on_lists(Step step, const Inputs& example) {
    const auto own = std::make_shared<Step>(std::move(step));
    const std::size_t count = tensors_of(example).size();
    return [own, count, inputs_like = shapes_of(example), state_like = like_,
            outputs_like = outputs_like_](const std::vector<Tensor>& in) {
      const std::span all(in);
      const State before = with_tensors(state_like, all.subspan(count));
      auto result = [&] {
        if constexpr (kHasInputs) {
          return (*own)(with_tensors(inputs_like, all.first(count)), before);
        } else {
          return (*own)(before);
        }
      }();
      using Result = scan_internal::StepResult<decltype(result)>;
      const Outputs outputs = Result::outputs(result);
      std::vector<Tensor> out = tensors_of(Result::state(std::move(result)));
      scan_internal::require_like_state("stream", "the state that the step returns",
                                        tensors_of(before), out);
      scan_internal::require_defined("stream", "the output that the step returns",
                                     tensors_of(outputs));
      if (!*outputs_like) *outputs_like = shapes_of(outputs);
      for_each_tensor(outputs, [&](const Tensor& y) { out.push_back(y); });
      return out;
    };
  }

  void advance(Index steps, AllIn in, AllOut out) {
    check(in, out, steps);
    loop_.run(steps, in, out, scan_internal::loops_are_plain());
  }

  // With time as a first axis of the outputs, or of one step.
  Outputs advanced(Index steps, const std::vector<Tensor>& xs, bool with_time) {
    const Pause pause;
    std::vector<Tensor> in, out;
    std::vector<StreamIn> from;
    std::vector<StreamOut> to;
    const auto count = [](const Tensor& x) { return static_cast<std::size_t>(x.size()); };
    for (const Tensor& x : xs) {
      Tensor& numbers = in.emplace_back(contiguous(x));
      from.emplace_back(numbers.dtype(), count(numbers), OutputAccess::bytes(numbers));
    }
    for (const Spec& spec : output_specs()) {
      const Dims shape = with_time ? spec.shape.with_front(steps) : spec.shape;
      Tensor& numbers = out.emplace_back(Tensor::uninitialized(spec.with_shape(shape)));
      to.emplace_back(numbers.dtype(), count(numbers), OutputAccess::bytes(numbers));
    }
    advance(steps, from, to);
    return with_tensors(**outputs_like_, out);
  }

  State like_;  // its shapes
  // The outputs as the step returned them first, shared with what the loop calls.
  std::shared_ptr<std::optional<Outputs>> outputs_like_ =
      std::make_shared<std::optional<Outputs>>();
  engine::StreamLoop loop_;
};

template <class Step, class Inputs, class State>
auto stream(Step step, const Inputs& example, const State& state) {
  if constexpr (scan_internal::fits<Step, State, Inputs>()) {
    using Result = std::invoke_result_t<Step&, const Inputs&, const State&>;
    using Outputs = typename scan_internal::StepResult<Result>::Outputs;
    return Stream<State, Inputs, Outputs>(std::move(step), example, state);
  }
}

// Of a step without inputs; the state tells the batch.
template <class Step, class State>
auto stream(Step step, const State& state) {
  if constexpr (scan_internal::fits<Step, State>()) {
    using Result = std::invoke_result_t<Step&, const State&>;
    using Outputs = typename scan_internal::StepResult<Result>::Outputs;
    return Stream<State, NoInputs, Outputs>(std::move(step), NoInputs(), state);
  }
}

}  // namespace rw
