#include "rewind/autograd/engine/stream/stream_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "rewind/autograd/engine/plans.h"
#include "rewind/autograd/engine/stream/stream_step.h"
#include "rewind/autograd/engine/trace/follow.h"
#include "rewind/autograd/loop.h"
#include "rewind/autograd/sequence.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/float_mode.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;

std::size_t bytes_of_all(const Spec& spec) {
  return static_cast<std::size_t>(spec.shape.count() * bytes_of(spec.dtype));
}

std::vector<Spec> outputs_of(const Traced& step) {
  std::vector<Spec> specs;
  for (std::size_t i = step.states; i < step.trace.results.size(); i++) {
    specs.push_back(step.trace.graph.spec(step.trace.results[i]));
  }
  return specs;
}

std::vector<Spec> specs_of(const Tensors& tensors) {
  std::vector<Spec> specs;
  for (const Tensor& x : tensors) specs.push_back(x.spec());
  return specs;
}

void require_outputs(const std::vector<Spec>& before, const std::vector<Spec>& now) {
  require<ShapeError>(now == before,
                      "stream: the output of a step was {} and is {} now; make a new stream",
                      fmt::join(before, ", "), fmt::join(now, ", "));
}

// There may be none to copy, from nowhere.
void copy_numbers(const std::byte* from, std::byte* to, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

bool same_tensors(const Tensors& a, const Tensors& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_tensor);
}

}  // namespace

StreamLoop::StreamLoop(Step step, const std::vector<Spec>& inputs, const Tensors& state)
    : step_(std::move(step)), inputs_(inputs), states_(specs_of(state)), in_(inputs.size()) {
  take_up(state);
}

StreamLoop::StreamLoop(StreamLoop&&) noexcept = default;
StreamLoop& StreamLoop::operator=(StreamLoop&&) noexcept = default;
StreamLoop::~StreamLoop() = default;

void StreamLoop::run(Index steps, std::span<const StreamIn> in, std::span<const StreamOut> out,
                     bool plainly) {
  for (std::size_t i = 0; i < in_.size(); i++) in_[i] = in[i].data;
  for (std::size_t i = 0; i < out_.size(); i++) out_[i] = out[i].data;
  for (Index t = 0; t < steps; t++) {
    plainly ? step_plainly() : step();
    for (std::size_t i = 0; i < in_.size(); i++) in_[i] += bytes_of_all(inputs_[i]);
    for (std::size_t i = 0; i < out_.size(); i++) out_[i] += bytes_of_all(outputs_[i]);
  }
}

void StreamLoop::step() {
  if (weights_.changed()) refresh();
  if (!bound_) return;
  const Uninterpreted direct;
  const FlushDenormals flush;
  const Threads alone(1);
  bound_->run(in_, out_);
}

void StreamLoop::step_plainly() {
  const Pause pause;
  Tensors arguments;
  for (std::size_t i = 0; i < inputs_.size(); i++) {
    arguments.push_back(Tensor::uninitialized(inputs_[i]));
    copy_numbers(in_[i], OutputAccess::bytes(arguments[i]), bytes_of_all(inputs_[i]));
  }
  for (Tensor& x : state()) arguments.push_back(std::move(x));
  Tensors results = step_(arguments);
  const auto first_output = results.begin() + std::ssize(states_);
  const Tensors outputs(first_output, results.end());
  results.erase(first_output, results.end());
  require_outputs(outputs_, specs_of(outputs));
  set_state(results);
  for (std::size_t i = 0; i < outputs.size(); i++) {
    copy_numbers(OutputAccess::bytes(contiguous(outputs[i])), out_[i], bytes_of_all(outputs_[i]));
  }
}

// ---- what the step does

void StreamLoop::refresh() { take_up({}); }

void StreamLoop::take_up(const Tensors& given) {
  const Pause pause;
  const Uninterpreted direct;
  ParameterWatch weights;
  Look now = [&] {
    const ParameterWatch::Scope watching(weights);
    return look();
  }();
  if (now.step != last_.step || !same_tensors(now.captured, last_.captured)) {
    std::vector<Spec> outputs = outputs_of(*now.step);
    if (last_.step) require_outputs(outputs_, outputs);
    bind(now, last_.step ? state() : given);
    last_ = std::move(now);
    outputs_ = std::move(outputs);
    out_.resize(outputs_.size());
  }
  weights_ = std::move(weights);
}

StreamLoop::Look StreamLoop::look() const {
  const Random same(Random::state());  // what the step draws here was never drawn
  std::vector<ChangingNumbers> changing;
  if (last_.step) {
    Following following = follow(last_.step->trace, step_);
    if (following.same) return {last_.step, std::move(following.captured), last_.holding};
    changing = std::move(following.changing);
  }
  std::vector<Spec> arguments = inputs_;
  arguments.insert(arguments.end(), states_.begin(), states_.end());
  const Traced traced{trace_as_written(arguments, step_, changing), inputs_.size(), states_.size()};
  const KnownStep known = known_step(traced);
  return {known, traced.trace.captured_tensors, holding(known)};
}

namespace {

Tensors contiguous_each(Tensors tensors) {
  for (Tensor& x : tensors) x = contiguous(x);
  return tensors;
}

void write_states(const Tensors& states, StreamStep& step) noexcept {
  for (std::size_t k = 0; k < states.size(); k++) {
    std::memcpy(step.state(k), OutputAccess::bytes(states[k]), bytes_of_all(states[k].spec()));
  }
}

}  // namespace

// What the step holds it captures, and it is there for as long as the step is bound. Until all is
// made nothing changes.
void StreamLoop::bind(const Look& now, const Tensors& state) {
  scan_internal::require_numbers("stream", "the state", state);
  Tensors captured = now.captured, others = state, held;
  if (now.holding) {
    for (const Tensor& x : now.holding->of_held(state)) held.push_back(copy_of(x));
    captured.insert(captured.end(), held.begin(), held.end());
    others = now.holding->of_others(state);
  }
  others = contiguous_each(std::move(others));
  std::unique_ptr<StreamStep> bound;
  if (batch() > 0) {
    const auto plan = single_step_plan_of(now.holding ? now.holding->step : now.step, batch());
    bound = std::make_unique<StreamStep>(plan, captured, now.step->trace.draws);
    write_states(others, *bound);
  }
  bound_ = std::move(bound);
  held_ = std::move(held);
}

// ---- the state

Tensors StreamLoop::state() const {
  Tensors state, others;
  for (const Spec& spec : states_) state.push_back(Tensor::uninitialized(spec));
  others = last_.holding ? last_.holding->of_others(state) : std::move(state);
  for (std::size_t k = 0; bound_ && k < others.size(); k++) {
    std::memcpy(OutputAccess::bytes(others[k]), bound_->state(k), bytes_of_all(others[k].spec()));
  }
  return last_.holding ? last_.holding->all(held_, others) : others;
}

void StreamLoop::set_state(const Tensors& state) {
  const Pause pause;
  const Uninterpreted direct;
  if (last_.holding) return bind(last_, state);
  scan_internal::require_numbers("stream", "the state", state);
  if (bound_) write_states(contiguous_each(state), *bound_);
}

void StreamLoop::reset(const Tensor& mask, const Tensors& to) {
  const Pause pause;
  Tensors state = this->state();
  for (std::size_t k = 0; k < states_.size(); k++) state[k] = select_rows(mask, to[k], state[k]);
  set_state(state);
}

void StreamLoop::select(const Tensor& rows) {
  const Pause pause;
  Tensors chosen;
  for (const Tensor& x : state()) chosen.push_back(take(x, rows));
  if (rows.dim(0) == batch()) return set_state(chosen);
  std::vector<Spec> inputs = inputs_;
  for (Spec& input : inputs) input.shape.set(0, rows.dim(0));
  *this = StreamLoop(step_, inputs, chosen);
}

}  // namespace rw::engine
