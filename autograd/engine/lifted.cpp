#include "rewind/autograd/engine/lifted.h"

#include "rewind/autograd/engine/packed.h"
#include "rewind/tensor/matmul.h"

namespace rw::engine {

void execute(const Operation& operation, std::span<const Tensor* const> inputs,
             std::span<Tensor> outputs) {
  operation.type().execute(operation.op(), inputs, outputs, 0);
}

Lifted::Lifted(const Step& step, const Rows& rows, Index total)
    : step_(step), rows_(rows), total_(total), depends_(dependences(step)) {
  values_.resize(static_cast<std::size_t>(step.graph.values()));
  constants_.resize(values_.size());
}

const Tensor& Lifted::constant(ValueId value) {
  Tensor& x = constants_[static_cast<std::size_t>(value)];
  if (x.defined()) return x;
  const Graph::Node& node = *step_.graph.maker(value);
  std::vector<const Tensor*> inputs;
  for (const ValueId input : node.inputs) inputs.push_back(&constant(input));
  execute(
      node.operation, inputs,
      {&constants_[static_cast<std::size_t>(node.first)], static_cast<std::size_t>(node.results)});
  return x;
}

const Tensor& Lifted::get(ValueId value) {
  // With rows it is made from nothing, and can be made for any number of them.
  if (is_constant(value) && rows_.axis_of(value) == Rows::kNone) return constant(value);
  Tensor& x = values_[static_cast<std::size_t>(value)];
  if (!x.defined()) compute(*step_.graph.maker(value));
  return x;
}

void Lifted::compute(const Graph::Node& node) {
  std::vector<const Tensor*> inputs;
  for (const ValueId x : node.inputs) inputs.push_back(&get(x));
  const std::span<Tensor> outputs(&values_[static_cast<std::size_t>(node.first)],
                                  static_cast<std::size_t>(node.results));
  // The same bits as at a single step: by the kernel of the loop.
  if (node.operation.is<MatMul>() && rows_.axis_of(node.first) == 0 &&
      rows_.axis_of(node.inputs[1]) == Rows::kNone && is_packable(*inputs[1]) &&
      inputs[0]->rank() == 2) {
    outputs[0] = packed_matmul(*inputs[0], *inputs[1]);
    return;
  }
  execute(with_rows(node.operation, rows_, node.first, total_), inputs, outputs);
}

}  // namespace rw::engine
