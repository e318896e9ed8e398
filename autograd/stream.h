// A recurrence that runs one time step at a time and owns its state: for players, plug-ins, servers
// and samplers.
//
//   auto player = stream([&](const Tensor& x, const State& s) { return cell.step(x, s); }, x0, s0);
//   player.step(in, out);      // one step's numbers: arrays, vectors, spans
//   player.run(in, out);       // several steps' numbers, one after the other
//   Tensor ys = player.run(xs) // a block [time, batch, ...]
//
// The step is planned when the stream is made (as scan plans it, scan.h), and bound to memory. Its
// results have the same bits as those of scan over the same inputs, however the inputs are cut into
// blocks. (Not always those of products of more than two axes, that BLAS computes: README.md.)
//
// A step of spans throws nothing and starts no threads; where the plan consists of products with
// weights, element-wise work and views, as that of all cells of this library does, it takes no lock
// and no memory either. Operations that run by their own kernel (softmax, means, a look-up, a
// user's operation, random numbers) make tensors, and so take memory and, at times, a lock.
//
// It follows the weights: what an optimizer or anybody else writes to a parameter, and another
// parameter put into its place, is seen at the next step; that one step takes memory and a lock,
// unless `refresh` was called before. What else the step mentions (tensors that are no parameters,
// sizes and switches of the cell, and a container of cells that was swapped with another, by which
// no parameter moves) is as it was when the stream was made, until `refresh`.
#pragma once

#include <algorithm>
#include <ranges>

#include "rewind/autograd/engine/stream_loop.h"
#include "rewind/autograd/scan.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/views.h"

namespace rw {

// One thread at a time per stream; several streams may share one model.
template <class State>
class Stream {
  static_assert(kIsTree<State>,
                "a state is a Tensor, a vector of them, or a plain struct of these without "
                "constructors");

 public:
  // `example` has the shape and dtype of one step's input, [batch, ...]; its numbers do not matter.
  // Throws what the step throws, and ShapeError when it returns another state than it takes, or
  // when the state's tensors are not [batch, ...], too.
  template <class Step>
  Stream(Step step, const Tensor& example, const State& state)
      : like_(shapes_of(state)),
        loop_(on_lists(std::move(step), like_), input_of(example, state), tensors_of(state)) {}

  const Spec& input_spec() const { return loop_.input_spec(); }
  const Spec& output_spec() const { return loop_.output_spec(); }

  // One time step, recorded by no tape. Made for callers that an exception must not pass through:
  // numbers of another type or count than input_spec and output_spec say end the program, with a
  // message.
  template <std::ranges::contiguous_range In, std::ranges::contiguous_range Out>
  requires std::same_as<std::ranges::range_value_t<In>, std::ranges::range_value_t<Out>>
  void step(const In& in, Out&& out) noexcept { advance(1, in, out); }

  // Many steps, one after the other: as many as `in` has numbers for. Else as `step`.
  template <std::ranges::contiguous_range In, std::ranges::contiguous_range Out>
  requires std::same_as<std::ranges::range_value_t<In>, std::ranges::range_value_t<Out>>
  void run(const In& in, Out&& out) noexcept {
    const Index each = std::max<Index>(input_spec().shape.count(), 1);
    advance(static_cast<Index>(std::ranges::size(in)) / each, in, out);
  }

  // The same for a tensor of one step. Throws ShapeError when x is not of input_spec.
  Tensor step(const Tensor& x) {
    require<ShapeError>(x.spec() == input_spec(), "stream: a step's input is {}, got {}",
                        input_spec(), x.spec());
    return advanced(1, x, output_spec().shape);
  }

  // Many steps, xs [time, batch, ...]. The outputs, [time, batch, ...].
  Tensor run(const Tensor& xs) {
    require<ShapeError>(
        xs.rank() >= 1 && xs.spec().with_shape(xs.shape().without(0)) == input_spec(),
        "stream: a block is [time] and then {}, got {}", input_spec(), xs.spec());
    Dims shape{xs.dim(0)};
    for (const Index size : output_spec().shape) shape.push_back(size);
    return advanced(xs.dim(0), xs, shape);
  }

  // Looks at the step anew, as was done when the stream was made; the state stays. For changes that
  // a step does not follow, and to be ready for those that it does. Throws as the constructor does,
  // and ShapeError when the output has another shape now; then nothing has changed.
  void refresh() { loop_.refresh(); }

  State state() const { return filled(like_, loop_.state()); }
  // Throws ShapeError when the shapes are not those of the state there is.
  void set_state(const State& state) {
    require_like_mine("the given state", state);
    loop_.set_state(tensors_of(state));
  }

  // Gives the rows where the mask (bool [batch]) holds the state `to`. Throws ShapeError or
  // DtypeError when they do not fit the state there is.
  void reset(const Tensor& mask, const State& to) {
    require_like_mine("the state to reset to", to);
    scan_internal::require_mask("stream", mask, input_spec().shape[0]);
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
  static Spec input_of(const Tensor& example, const State& state) {
    scan_internal::require_defined("stream", "the example", {example});
    require<ShapeError>(example.rank() >= 1,
                        "stream: a step's input is [batch, ...], and the example is {}",
                        example.spec());
    scan_internal::require_batch("stream", tensors_of(state), example.dim(0));
    return example.spec();
  }
  static State shapes_of(const State& state) {
    return map_tensors(state, [](const Tensor& x) { return Tensor::shape_only(x.spec()); });
  }
  static State filled(const State& like, const std::vector<Tensor>& tensors) {
    auto next = tensors.begin();
    return map_tensors(like, [&](const Tensor&) { return *next++; });
  }
  void require_like_mine(std::string_view what, const State& given) const {
    scan_internal::require_like_state("stream", what, tensors_of(like_), tensors_of(given));
  }

  // The step on the input and the states as one list, to the next states and the output.
  template <class Step>
  static engine::StreamLoop::Step on_lists(Step step, const State& like) {
    if constexpr (scan_internal::fits<Step, State, Tensor>()) {
      const auto own = std::make_shared<Step>(std::move(step));
      return [own, like](const std::vector<Tensor>& in) {
        using Result =
            scan_internal::StepResult<std::invoke_result_t<Step&, const Tensor&, const State&>>;
        const std::vector<Tensor> before(in.begin() + 1, in.end());
        auto result = (*own)(in[0], filled(like, before));
        const Tensor output = Result::outputs(result);
        std::vector<Tensor> all = tensors_of(Result::state(std::move(result)));
        scan_internal::require_like_state("stream", "the state that the step returns", before, all);
        scan_internal::require_defined("stream", "the output that the step returns", {output});
        all.push_back(output);
        return all;
      };
    }
  }

  static void require_numbers(const char* what, const Spec& spec, Index steps, Dtype dtype,
                              std::size_t count) {
    require<DtypeError>(dtype == spec.dtype, "stream: {} holds {}, a step's is {}", what, dtype,
                        spec);
    require<ShapeError>(static_cast<Index>(count) == steps * spec.shape.count(),
                        "stream: {} holds {} numbers, {} step's {} has {}", what, count,
                        steps == 1 ? "a" : "each", spec, spec.shape.count());
  }

  template <class In, class Out>
  void advance(Index steps, const In& in, Out& out) {
    using T = std::ranges::range_value_t<In>;
    require_numbers("in", input_spec(), steps, dtype_of<T>(), std::ranges::size(in));
    require_numbers("out", output_spec(), steps, dtype_of<T>(), std::ranges::size(out));
    advance(steps, reinterpret_cast<const std::byte*>(std::ranges::data(in)),
            reinterpret_cast<std::byte*>(std::ranges::data(out)));
  }

  Tensor advanced(Index steps, const Tensor& xs, const Dims& shape) {
    const Pause pause;
    const Tensor in = contiguous(xs);
    Tensor out = Tensor::uninitialized(output_spec().with_shape(shape));
    advance(steps, OutputAccess::bytes(const_cast<Tensor&>(in)), OutputAccess::bytes(out));
    return out;
  }

  void advance(Index steps, const std::byte* in, std::byte* out) {
    const bool plainly = scan_internal::loops_are_plain();
    for (Index t = 0; t < steps; t++) {
      plainly ? loop_.step_plainly(in, out) : loop_.step(in, out);
      in += input_spec().shape.count() * bytes_of(input_spec().dtype);
      out += output_spec().shape.count() * bytes_of(output_spec().dtype);
    }
  }

  State like_;  // its shapes
  engine::StreamLoop loop_;
};

template <class Step, class State>
auto stream(Step step, const Tensor& example, const State& state) {
  return Stream<State>(std::move(step), example, state);
}

}  // namespace rw
