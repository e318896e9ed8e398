#include "rewind/autograd/engine/run/spent_inputs.h"

#include <algorithm>

namespace rw::engine {

SpentInputs::SpentInputs(const Program& program, const LoopInputs& in)
    : program_(program), in_(in) {
  for (std::size_t i = 0; i < in_.inputs.size(); i++) {
    free_.push_back(program.over_inputs && may_be_written(i));
  }
}

// Whether an output is the input, or a part of it.
bool SpentInputs::is_wanted(std::size_t i) const {
  const Step& step = program_.step;
  return std::any_of(step.outputs.begin(), step.outputs.end(), [&](ValueId y) {
    const auto& stack = program_.stacks[at(y)];
    if (!stack) return y == step.inputs[i];
    const Buffer& buffer = program_.buffers[static_cast<std::size_t>(stack->buffer)];
    return buffer.kind == Buffer::input && buffer.value == step.inputs[i];
  });
}

bool SpentInputs::may_be_written(std::size_t i) const {
  const Tensor& x = in_.inputs[i];
  if (in_.given.size() != in_.inputs.size() || !in_.rows.whole() || !x.contiguous()) return false;
  std::vector<const Tensor*> holders;
  for (std::size_t k = 0; k < in_.inputs.size(); k++) {
    if (!in_.inputs[k].shares_storage_with(x)) continue;
    if (!in_.given[k] || is_wanted(k)) return false;
    holders.push_back(&in_.inputs[k]);
  }
  return Tensor::alone(holders) && !is_read_later(i);
}

// States that steps begin with and those that they leave are the same memory, a step apart. Over
// the ones that the next stretch reads nothing may be written.
bool SpentInputs::is_read_later(std::size_t i) const {
  const Tensor& x = in_.inputs[i];
  return std::any_of(in_.inputs.begin(), in_.inputs.end(), [&](const Tensor& other) {
    if (&other == &x || !other.shares_storage_with(x)) return false;
    if (other.strides() != x.strides() || other.shape() != x.shape()) return true;
    const std::byte *place = OutputAccess::bytes(x), *others = OutputAccess::bytes(other);
    return others != place && (others > place) == in_.reverse;
  });
}

Tensor SpentInputs::take(const Spec& rows) {
  for (std::size_t i = 0; i < free_.size(); i++) {
    const Tensor& x = in_.inputs[i];
    if (!free_[i] || x.dtype() != rows.dtype || x.size() != rows.shape.count()) continue;
    free_[i] = false;
    return x.view(rows.shape, contiguous_strides(rows.shape), 0);
  }
  return {};
}

}  // namespace rw::engine
