// A recurrence that runs one time step at a time and owns its state: for players, plug-ins, servers
// and samplers.
//
//   auto player = stream([&](const Tensor& x, const State& s) { return cell.step(x, s); }, x0, s0);
//   player.step(in, out);      // one step's numbers: arrays, vectors, spans
//   Tensor ys = player.run(xs) // a block [time, batch, ...]
//
// It follows the weights: a step sees what an optimizer wrote. Its results have the same bits as
// those of scan over the same inputs, however the inputs are cut into blocks.
#pragma once

#include <algorithm>
#include <ranges>

#include "rewind/autograd/scan.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/indexing.h"

namespace rw {

// One thread at a time per stream; several streams may share one model.
template <class Step, class State>
class Stream {
  using Result =
      scan_internal::StepResult<std::invoke_result_t<Step&, const Tensor&, const State&>>;

 public:
  // `example` has the shape and dtype of one step's input, [batch, ...]; its numbers do not matter.
  Stream(Step step, const Tensor& example, State state)
      : step_(std::move(step)), input_spec_(example.spec()), state_(std::move(state)) {
    const scan_internal::ShapesOnly shapes;
    auto result = step_(Tensor::shape_only(input_spec_), state_);
    output_spec_ = Result::outputs(result).spec();
    scan_internal::require_like_state("stream", "the state that the step returns",
                                      tensors_of(state_),
                                      tensors_of(Result::state(std::move(result))));
  }

  const Spec& input_spec() const { return input_spec_; }
  const Spec& output_spec() const { return output_spec_; }

  // One time step, recorded by no tape. Made for callers that an exception must not pass through:
  // numbers of another type or count than input_spec and output_spec say end the program, with a
  // message.
  template <std::ranges::contiguous_range In, std::ranges::contiguous_range Out>
  requires std::same_as<std::ranges::range_value_t<In>, std::ranges::range_value_t<Out>>
  void step(const In& in, Out&& out) noexcept {
    using T = std::ranges::range_value_t<In>;
    require_numbers("in", input_spec_, dtype_of<T>(), std::ranges::size(in));
    require_numbers("out", output_spec_, dtype_of<T>(), std::ranges::size(out));
    Tensor x = Tensor::uninitialized(input_spec_);
    std::ranges::copy(in, x.mutable_span<T>().begin());
    const Tensor y = contiguous(advance(x));
    std::copy_n(y.data<T>(), y.size(), std::ranges::begin(out));
  }

  // The same for a tensor of one step. Throws ShapeError when x is not of input_spec.
  Tensor step(const Tensor& x) {
    require<ShapeError>(x.spec() == input_spec_, "stream: a step's input is {}, got {}",
                        input_spec_, x.spec());
    return advance(x);
  }

  // Many steps, xs [time, batch, ...]. The outputs, [time, batch, ...].
  Tensor run(const Tensor& xs) {
    require<ShapeError>(
        xs.rank() >= 1 && xs.spec().with_shape(xs.shape().without(0)) == input_spec_,
        "stream: a block is [time] and then {}, got {}", input_spec_, xs.spec());
    std::vector<Tensor> outputs;
    for (Index t = 0; t < xs.dim(0); t++) outputs.push_back(advance(xs[t]));
    return outputs.empty() ? scan_internal::no_steps(Tensor::shape_only(output_spec_))
                           : stack(outputs);
  }

  const State& state() const { return state_; }
  // Throws ShapeError when the shapes are not those of the state there is.
  void set_state(State state) {
    scan_internal::require_like_state("stream", "the given state", tensors_of(state_),
                                      tensors_of(state));
    state_ = std::move(state);
  }

  // Gives the rows where the mask (bool [batch]) holds the state `to`. Throws ShapeError or
  // DtypeError when they do not fit the state there is.
  void reset(const Tensor& mask, const State& to) {
    const Pause pause;
    scan_internal::require_like_state("stream", "the state to reset to", tensors_of(state_),
                                      tensors_of(to));
    scan_internal::require_mask("stream", mask, input_spec_.shape[0]);
    state_ = zip_tensors(state_, to, [&](const Tensor& old, const Tensor& fresh) {
      return select_rows(mask, fresh, old);
    });
  }

  // Row i goes on from what row rows[i] was, int64: the survivors of a beam. Changes the batch to
  // the number of rows given. Throws as `take` does.
  void select(const Tensor& rows) {
    const Pause pause;
    require<ShapeError>(rows.rank() == 1, "stream: rows to select are int64 [rows], got {}",
                        rows.spec());
    state_ = map_tensors(state_, [&](const Tensor& x) { return take(x, rows); });
    input_spec_.shape.set(0, rows.dim(0));
    output_spec_.shape.set(0, rows.dim(0));
  }

 private:
  static void require_numbers(const char* what, const Spec& spec, Dtype dtype, std::size_t count) {
    require<DtypeError>(dtype == spec.dtype, "stream: {} holds {}, a step's is {}", what, dtype,
                        spec);
    require<ShapeError>(static_cast<Index>(count) == spec.shape.count(),
                        "stream: {} holds {} numbers, a step's {} has {}", what, count, spec,
                        spec.shape.count());
  }

  Tensor advance(const Tensor& x) {
    const Pause pause;
    const auto apply = [&](const std::vector<Tensor>& in, const State& state) {
      return step_(in[0], state);
    };
    // One step of a scan: so it has the bits that the step has in a sequence.
    if (auto planned = scan_internal::planned(apply, {unsqueeze(x, 0)}, 1, state_, {})) {
      state_ = std::move(planned->final);
      return planned->outputs[0];
    }
    auto result = step_(x, state_);
    Tensor y = Result::outputs(result);
    state_ = Result::state(std::move(result));
    return y;
  }

  Step step_;
  Spec input_spec_, output_spec_;
  State state_;
};

template <class Step, class State>
auto stream(Step step, const Tensor& example, State state) {
  return Stream<Step, State>(std::move(step), example, std::move(state));
}

}  // namespace rw
