#include "rewind/autograd/engine/trace/numbers.h"

#include <bit>

#include "rewind/tensor/arithmetic.h"

namespace rw::engine {
namespace {

template <class Op>
const Op* as(const OpType& type, const void* op) {
  return &type == &op_type<Op> ? static_cast<const Op*>(op) : nullptr;
}

ChangingNumbers extended(ChangingNumbers numbers, const Affine& op) {
  numbers.scale |= op.scale != 1;
  numbers.shift |= std::bit_cast<std::uint64_t>(op.shift) != std::bit_cast<std::uint64_t>(-0.0);
  return numbers;
}

}  // namespace

bool has_numbers(const OpType& type) {
  return &type == &op_type<Affine> || &type == &op_type<ScalarSource>;
}

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

Tensor tensor_of(double number, Dtype dtype) {
  const ScalarSource source{number, dtype};
  Tensor y = Tensor::uninitialized(source.infer());
  source.run(y);
  return y;
}

}  // namespace rw::engine
