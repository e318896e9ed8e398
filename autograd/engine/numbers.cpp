#include "rewind/autograd/engine/numbers.h"

#include <bit>

#include "rewind/tensor/arithmetic.h"

namespace rw::engine {
namespace {

template <class Op>
const Op* as(const OpType& type, const void* op) {
  return &type == &op_type<Op> ? static_cast<const Op*>(op) : nullptr;
}

bool has_numbers(const OpType& type) {
  return &type == &op_type<Affine> || &type == &op_type<ScalarSource>;
}

ChangingNumbers extended(ChangingNumbers numbers, const Affine& op) {
  numbers.scale |= op.scale != 1;
  numbers.shift |= std::bit_cast<std::uint64_t>(op.shift) != std::bit_cast<std::uint64_t>(-0.0);
  return numbers;
}

// Made as no operation: a tensor that a step mentions.
Tensor tensor_of(double number, Dtype dtype) {
  const ScalarSource source{number, dtype};
  Tensor y = Tensor::uninitialized(source.infer());
  source.run(y);
  return y;
}

}  // namespace

std::optional<ChangingNumbers> differing_numbers(std::size_t operation, const void* known,
                                                 const Call& call) {
  if (const auto* affine = as<Affine>(call.type, call.op)) {
    return extended(extended({operation}, *static_cast<const Affine*>(known)), *affine);
  }
  if (const auto* source = as<ScalarSource>(call.type, call.op)) {
    if (source->dtype == static_cast<const ScalarSource*>(known)->dtype) return {{operation}};
  }
  return {};
}

ChangingNumbers extended(ChangingNumbers numbers, const Call& call) {
  const auto* affine = as<Affine>(call.type, call.op);
  return affine ? extended(numbers, *affine) : numbers;
}

const ChangingNumbers* NumberReader::changing(const Call& call) {
  const std::size_t operation = operations_++;
  if (next_ == known_.size() || known_[next_].operation != operation) return nullptr;
  const ChangingNumbers& numbers = known_[next_++];
  return has_numbers(call.type) ? &numbers : nullptr;
}

template <class Op>
Tensor NumberReader::applied(const Tensor& x, double number) {
  const Tensor other = tensor_of(number, x.dtype());
  const std::array<const Tensor*, 2> inputs{&x, &other};
  std::array<Tensor, 1> outputs;
  const Op op{};
  Call call{op_type<Op>, &op, inputs, outputs};
  read(call);
  return outputs[0];
}

void NumberReader::read_on_tensors(const ChangingNumbers& numbers, Call& call) {
  if (const auto* source = as<ScalarSource>(call.type, call.op)) {
    call.outputs[0] = mention(tensor_of(source->value, source->dtype));
    return;
  }
  const auto& affine = *static_cast<const Affine*>(call.op);
  affine.infer(call.inputs[0]->spec());
  Tensor y = *call.inputs[0];
  if (numbers.scale) y = applied<Multiply>(y, affine.scale);
  if (numbers.shift) y = applied<Add>(y, affine.shift);
  call.outputs[0] = std::move(y);
}

}  // namespace rw::engine
