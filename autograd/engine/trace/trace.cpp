#include "rewind/autograd/engine/trace/trace.h"

#include <unordered_map>

#include "rewind/autograd/engine/step/facts.h"
#include "rewind/autograd/engine/trace/step_reader.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/error.h"
#include "rewind/tensor/random.h"

namespace rw::engine {
constinit thread_local TracingScope* TracingScope::innermost_ = nullptr;

bool same_tensor(const Tensor& a, const Tensor& b) {
  if (a.identity() == b.identity()) return a.mark() == b.mark();
  if (!a.has_data() || !b.has_data()) return false;
  if (a.mark() != b.mark() || a.spec() != b.spec() || !(a.strides() == b.strides())) return false;
  return dispatch_any(a.dtype(), [&](auto v) {
    using T = decltype(v);
    return a.data<T>() == b.data<T>();
  });
}

namespace {

class Tracer final : public StepReader {
 public:
  Tracer(Trace& trace, bool as_written, const std::vector<ChangingNumbers>& changing)
      : StepReader(changing, as_written ? Tape::current() : nullptr),
        trace_(trace),
        as_written_(as_written),
        first_draw_(Random::state()) {}

  void read(Call& call) override {
    std::vector<ValueId> inputs;
    for (const Tensor* x : call.inputs) inputs.push_back(value_of(*x));
    Operation operation(call.type, call.op);
    if (as_written_ && is_random(operation)) operation = numbered(operation);
    const auto results = static_cast<int>(call.outputs.size());
    const ValueId first = as_written_ ? trace_.graph.append(operation, std::move(inputs), results)
                                      : trace_.graph.apply(operation, std::move(inputs), results);
    for (std::size_t i = 0; i < call.outputs.size(); i++) {
      call.outputs[i] = handle(first + static_cast<ValueId>(i));
    }
  }

  // The tensor without numbers that stands for a value, known by its identity: its mark is free for
  // a tape that stands above.
  Tensor handle(ValueId value) {
    const Tensor& x = trace_.graph.symbol(value);
    values_.emplace(x.identity(), value);
    return x;
  }

  ValueId value_of(const Tensor& x) {
    const auto found = values_.find(x.identity());
    if (found != values_.end()) return found->second;
    require(x.has_data() || known_outside(x),
            "scan: a {} of another step is used, of which only the shape is known; return it from "
            "its step, or look at it with note",
            x.spec());
    for (std::size_t i = 0; i < trace_.captured.size(); i++) {
      if (same_tensor(trace_.captured_tensors[i], x)) return trace_.captured[i];
    }
    trace_.captured_tensors.push_back(x);
    trace_.captured.push_back(trace_.graph.leaf(x.spec()));
    return trace_.captured.back();
  }

 private:
  Tensor mention(const Tensor& x) override { return handle(value_of(x)); }

  const ChangingNumbers& met(const ChangingNumbers&, const ChangingNumbers& now) override {
    return trace_.changing.emplace_back(now);
  }

  // A step inside this one may mention its values, of which there are no numbers either.
  bool knows(const Tensor& x) const override { return values_.contains(x.identity()); }

  Operation numbered(const Operation& operation) const {
    const kernels::PhiloxStream draw = draw_of(operation);
    require(
        draw.seed == first_draw_.seed() && draw.draw >= first_draw_.draw(),
        "scan: {} in the step draws from a generator of its own; draw from this thread's, which "
        "Random sets, or use loop",
        operation.type().name);
    return with_draw(operation, {0, draw.draw - first_draw_.draw()});
  }

  Trace& trace_;
  const bool as_written_;
  const Rng first_draw_;
  std::unordered_map<const void*, ValueId> values_;
};

Trace traced(const std::vector<Spec>& arguments, const StepFunction& step, bool as_written,
             const std::vector<ChangingNumbers>& changing) {
  Trace trace;
  const Rng before = Random::state();
  Tracer tracer(trace, as_written, changing);
  std::vector<Tensor> handles;
  for (const Spec& spec : arguments) {
    trace.arguments.push_back(trace.graph.leaf(spec));
    handles.push_back(tracer.handle(trace.arguments.back()));
  }
  for (const Tensor& y : step(handles)) trace.results.push_back(tracer.value_of(y));
  trace.draws = static_cast<Index>(Random::state().draw() - before.draw());
  return trace;
}

}  // namespace

Trace trace(const std::vector<Spec>& arguments, const StepFunction& step) {
  return traced(arguments, step, false, {});
}

Trace trace_as_written(const std::vector<Spec>& arguments, const StepFunction& step,
                       const std::vector<ChangingNumbers>& changing) {
  return traced(arguments, step, true, changing);
}

}  // namespace rw::engine
