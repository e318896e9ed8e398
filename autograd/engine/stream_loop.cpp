#include "rewind/autograd/engine/stream_loop.h"

#include <algorithm>
#include <cstring>

#include "rewind/autograd/engine/follow.h"
#include "rewind/autograd/engine/plans.h"
#include "rewind/autograd/engine/stream_step.h"
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
  take_up(state);
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
  const Threads alone(1);
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
    require<ShapeError>(!last_.step || output_of(*now.step) == output_spec(),
                        "stream: the output of a step was {} and is {} now; make a new stream",
                        last_.step ? output_spec() : Spec(), output_of(*now.step));
    bind(now, last_.step ? state() : given);
    last_ = std::move(now);
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
  const Traced traced{trace_as_written(arguments_, step_, changing), 1, states()};
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
    std::memcpy(step.state(k), bytes(states[k]), bytes_of_all(states[k].spec()));
  }
}

}  // namespace

// What the step holds it captures, and it is there for as long as the step is bound. Until all is
// made nothing changes.
void StreamLoop::bind(const Look& now, const Tensors& state) {
  const Index batch = input_spec().shape[0];
  Tensors captured = now.captured, others = state, held;
  if (now.holding) {
    for (const Tensor& x : now.holding->of_held(state)) held.push_back(copy_of(x));
    captured.insert(captured.end(), held.begin(), held.end());
    others = now.holding->of_others(state);
  }
  others = contiguous_each(std::move(others));
  std::unique_ptr<StreamStep> bound;
  if (batch > 0) {
    const auto plan = single_step_plan_of(now.holding ? now.holding->step : now.step, batch);
    bound = std::make_unique<StreamStep>(plan, captured, now.step->trace.draws);
    write_states(others, *bound);
  }
  bound_ = std::move(bound);
  held_ = std::move(held);
}

// ---- the state

Tensors StreamLoop::state() const {
  Tensors state, others;
  for (const Spec& spec : std::span(arguments_).subspan(1)) {
    state.push_back(Tensor::uninitialized(spec));
  }
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
  if (bound_) write_states(contiguous_each(state), *bound_);
}

void StreamLoop::reset(const Tensor& mask, const Tensors& to) {
  const Pause pause;
  Tensors state = this->state();
  for (std::size_t k = 0; k < states(); k++) state[k] = select_rows(mask, to[k], state[k]);
  set_state(state);
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
