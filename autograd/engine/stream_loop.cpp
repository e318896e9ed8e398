#include "rewind/autograd/engine/stream_loop.h"

#include <algorithm>
#include <cstring>

#include "rewind/autograd/engine/follow.h"
#include "rewind/autograd/engine/plans.h"
#include "rewind/autograd/engine/stream_step.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/float_mode.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;

std::size_t bytes_of_all(const Spec& spec) {
  return static_cast<std::size_t>(spec.shape.count() * bytes_of(spec.dtype));
}

const std::byte* bytes(const Tensor& x) { return OutputAccess::bytes(const_cast<Tensor&>(x)); }

const Spec& output_of(const Traced& step) {
  return step.trace.graph.spec(step.trace.results.back());
}

bool same_tensors(const Tensors& a, const Tensors& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_tensor);
}

}  // namespace

StreamLoop::StreamLoop(Step step, const Spec& input, const Tensors& state)
    : step_(std::move(step)), arguments_{input} {
  for (const Tensor& x : state) arguments_.push_back(x.spec());
  refresh();
  set_state(state);
}

StreamLoop::StreamLoop(StreamLoop&&) noexcept = default;
StreamLoop& StreamLoop::operator=(StreamLoop&&) noexcept = default;
StreamLoop::~StreamLoop() = default;

const Spec& StreamLoop::output_spec() const { return output_of(*last_.step); }

void StreamLoop::step(const std::byte* in, std::byte* out) noexcept {
  if (weights_.changed()) refresh();
  if (!bound_) return;
  const Uninterpreted direct;
  const FlushDenormals flush;
  bound_->run(in, out);
}

void StreamLoop::step_plainly(const std::byte* in, std::byte* out) {
  const Pause pause;
  Tensors arguments{Tensor::uninitialized(input_spec())};
  std::memcpy(OutputAccess::bytes(arguments[0]), in, bytes_of_all(input_spec()));
  for (Tensor& x : state()) arguments.push_back(std::move(x));
  Tensors results = step_(arguments);
  const Tensor y = contiguous(results.back());
  results.pop_back();
  set_state(results);
  std::memcpy(out, bytes(y), bytes_of_all(output_spec()));
}

// ---- what the step does

void StreamLoop::refresh() {
  const Pause pause;
  const Uninterpreted direct;
  ParameterWatch weights;
  Look now = [&] {
    const ParameterWatch::Scope watching(weights);
    return look();
  }();
  if (now.step != last_.step || !same_tensors(now.captured, last_.captured)) {
    require<ShapeError>(!last_.step || output_of(*now.step) == output_spec(),
                        "stream: the output of a step was {} and is {} now; make a new stream",
                        last_.step ? output_spec() : Spec(), output_of(*now.step));
    bound_ = bound(now);
    last_ = std::move(now);
  }
  weights_ = std::move(weights);
}

StreamLoop::Look StreamLoop::look() const {
  const Random same(Random::state());  // what the step draws here was never drawn
  if (last_.step) {
    if (auto captured = follow(last_.step->trace, step_)) return {last_.step, std::move(*captured)};
  }
  const Traced traced{trace(arguments_, step_, true), 1, states()};
  return {known_step(traced), traced.trace.captured_tensors};
}

// With the states that there are.
std::unique_ptr<StreamStep> StreamLoop::bound(const Look& now) const {
  const Index batch = input_spec().shape[0];
  if (batch == 0) return nullptr;
  auto bound = std::make_unique<StreamStep>(single_step_plan_of(now.step, batch), now.captured,
                                            now.step->trace.draws);
  for (std::size_t k = 0; bound_ && k < states(); k++) {
    std::memcpy(bound->state(k), bound_->state(k), bytes_of_all(arguments_[k + 1]));
  }
  return bound;
}

// ---- the state

Tensors StreamLoop::state() const {
  Tensors state;
  for (std::size_t k = 0; k < states(); k++) {
    Tensor x = Tensor::uninitialized(arguments_[k + 1]);
    if (bound_) std::memcpy(OutputAccess::bytes(x), bound_->state(k), bytes_of_all(x.spec()));
    state.push_back(std::move(x));
  }
  return state;
}

void StreamLoop::set_state(const Tensors& state) {
  const Pause pause;
  for (std::size_t k = 0; bound_ && k < states(); k++) {
    const Tensor x = contiguous(state[k]);
    std::memcpy(bound_->state(k), bytes(x), bytes_of_all(x.spec()));
  }
}

void StreamLoop::reset(const Tensor& mask, const Tensors& to) {
  const Pause pause;
  const Tensor rows = contiguous(mask);
  for (std::size_t k = 0; bound_ && k < states(); k++) {
    const Tensor fresh = contiguous(to[k]);
    const std::size_t row = bytes_of_all(fresh.spec()) / rows.span<bool>().size();
    std::size_t first = 0;
    for (const bool starts : rows.span<bool>()) {
      if (starts) std::memcpy(bound_->state(k) + first, bytes(fresh) + first, row);
      first += row;
    }
  }
}

void StreamLoop::select(const Tensor& rows) {
  const Pause pause;
  Tensors chosen;
  for (const Tensor& x : state()) chosen.push_back(take(x, rows));
  Spec input = input_spec();
  input.shape.set(0, rows.dim(0));
  if (input == input_spec()) return set_state(chosen);
  *this = StreamLoop(step_, input, chosen);
}

}  // namespace rw::engine
