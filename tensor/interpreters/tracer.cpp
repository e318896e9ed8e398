#include "rewind/tensor/interpreters/tracer.h"

#include "rewind/tensor/mark.h"

namespace rw {
namespace {

// Handles of the same numbers, seen the same way.
bool same_value(const Tensor& a, const Tensor& b) {
  if (a.mark() != b.mark() || a.spec() != b.spec() || !a.has_data() || !b.has_data()) return false;
  return dispatch_any(a.dtype(), [&](auto v) {
    using T = decltype(v);
    return a.data<T>() == b.data<T>() && a.strides() == b.strides();
  });
}

std::string numbers(const std::vector<int>& values) {
  std::string text;
  for (int value : values) text += fmt::format("{}%{}", text.empty() ? "" : ", ", value);
  return text;
}

}  // namespace

int ShapeTracer::mark(Tensor& x) {
  x.set_mark(mark_of(serial_, static_cast<std::uint64_t>(values_)));
  return values_++;
}

int ShapeTracer::number_of(const Tensor& x) {
  if (serial_of(x.mark()) == serial_) return static_cast<int>(slot_in(x.mark()));
  for (std::size_t i = 0; i < captured_.size(); i++) {
    if (same_value(captured_[i], x)) return captured_numbers_[i];
  }
  captured_.push_back(x);
  captured_numbers_.push_back(values_);
  return values_++;
}

Tensor ShapeTracer::input(const Spec& spec) {
  Tensor x = Tensor::shape_only(spec);
  mark(x);
  return x;
}

void ShapeTracer::run(Call& call) {
  Step step{std::string(call.type.name), call.type.attributes(call.op), {}, {}, {}};
  for (const Tensor* x : call.inputs) step.inputs.push_back(number_of(*x));
  call.type.infer(call.op, call.inputs, call.outputs);
  for (Tensor& y : call.outputs) {
    step.outputs.push_back(mark(y));
    step.specs.push_back(y.spec());
  }
  steps_.push_back(std::move(step));
}

std::string to_string(const ShapeTracer& tracer) {
  std::string text;
  for (const ShapeTracer::Step& step : tracer.steps()) {
    text += fmt::format("{} = {}", numbers(step.outputs), step.operation);
    if (!step.attributes.empty()) text += fmt::format("{{{}}}", step.attributes);
    text += fmt::format("({})", numbers(step.inputs));
    for (const Spec& spec : step.specs) text += ' ' + to_string(spec);
    text += '\n';
  }
  return text;
}

}  // namespace rw
