#include "rewind/autograd/engine/lifted.h"

#include "rewind/autograd/engine/packed.h"
#include "rewind/tensor/matmul.h"

namespace rw::engine {

void execute(const Operation& operation, std::span<const Tensor* const> inputs,
             std::span<Tensor> outputs, std::uint64_t donated) {
  operation.type().execute(operation.op(), inputs, outputs, donated);
}

Lifted::Lifted(const Program& program, Index total) : program_(program), total_(total) {
  values_.resize(static_cast<std::size_t>(program.step.graph.values()));
  constants_.resize(values_.size());
}

const Tensor& Lifted::constant(ValueId value) {
  Tensor& x = constants_[static_cast<std::size_t>(value)];
  if (x.defined()) return x;
  const Graph::Node& node = *program_.step.graph.maker(value);
  std::vector<const Tensor*> inputs;
  for (const ValueId input : node.inputs) inputs.push_back(&constant(input));
  execute(
      node.operation, inputs,
      {&constants_[static_cast<std::size_t>(node.first)], static_cast<std::size_t>(node.results)});
  return x;
}

const Tensor& Lifted::get(ValueId value) {
  // With rows it is made from nothing, and can be made for any number of them.
  if (is_constant(value) && program_.rows.axis_of(value) == Rows::kNone) return constant(value);
  Tensor& x = values_[static_cast<std::size_t>(value)];
  if (!x.defined()) compute(*program_.step.graph.maker(value));
  return x;
}

bool Lifted::is_spent(ValueId value) const {
  return program_.step.graph.maker(value) && !is_constant(value) &&
         program_.readers[static_cast<std::size_t>(value)] == 1;
}

void Lifted::compute(const Graph::Node& node) {
  for (const ValueId x : node.inputs) get(x);
  std::vector<const Tensor*> inputs;
  std::uint64_t donated = 0;
  for (std::size_t i = 0; i < node.inputs.size(); i++) {
    const ValueId x = node.inputs[i];
    inputs.push_back(&get(x));
    if (i < 64 && is_spent(x)) donated |= std::uint64_t{1} << i;
  }
  const std::span<Tensor> outputs(&values_[static_cast<std::size_t>(node.first)],
                                  static_cast<std::size_t>(node.results));
  // The same bits as at a single step: by the kernel of the loop.
  const bool by_packing = node.operation.is<MatMul>() && program_.rows.axis_of(node.first) == 0 &&
                          program_.rows.axis_of(node.inputs[1]) == Rows::kNone &&
                          is_packable(*inputs[1]) && inputs[0]->rank() == 2;
  if (by_packing) {
    outputs[0] = packed_matmul(*inputs[0], *inputs[1]);
  } else {
    execute(with_rows(node.operation, program_.rows, node.first, total_), inputs, outputs, donated);
  }
  for (const ValueId x : node.inputs) {
    if (is_spent(x)) values_[static_cast<std::size_t>(x)] = Tensor();
  }
}

}  // namespace rw::engine
