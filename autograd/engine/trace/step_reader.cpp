#include "rewind/autograd/engine/trace/step_reader.h"

#include "rewind/autograd/stop_gradient.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/arithmetic.h"

namespace rw::engine {

template <class Op>
Tensor StepReader::applied(std::initializer_list<const Tensor*> inputs) {
  const Op op{};
  Tensor y;
  Call call{op_type<Op>, &op, {inputs.begin(), inputs.size()}, {&y, 1}};
  read(call);
  return y;
}

void StepReader::run(Call& call) {
  const std::size_t operation = operations_++;
  const bool known = next_changing_ < changing_.size() &&
                     changing_[next_changing_].operation == operation && has_numbers(call.type);
  if (known) {
    const ChangingNumbers& numbers = changing_[next_changing_++];
    read_on_tensors(met(numbers, extended(numbers, call)), call);
  } else {
    read(call);
  }
  if (!tape_ || tape_->recording()) return;
  for (Tensor& y : call.outputs) {
    if (is_float(y.dtype())) y = applied<StopGradient>({&y});
  }
}

void StepReader::read_on_tensors(const ChangingNumbers& numbers, Call& call) {
  call.type.infer(call.op, call.inputs, call.outputs);  // whether they are elements of the dtype
  if (&call.type == &op_type<ScalarSource>) {
    const auto& source = *static_cast<const ScalarSource*>(call.op);
    call.outputs[0] = mention(tensor_of(source.value, source.dtype));
    return;
  }
  const auto& affine = *static_cast<const Affine*>(call.op);
  Tensor y = *call.inputs[0];
  if (numbers.scale) {
    const Tensor scale = tensor_of(affine.scale, y.dtype());
    y = applied<Multiply>({&y, &scale});
  }
  if (numbers.shift) {
    const Tensor shift = tensor_of(affine.shift, y.dtype());
    y = applied<Add>({&y, &shift});
  }
  call.outputs[0] = std::move(y);
}

}  // namespace rw::engine
