#include "rewind/tensor/kernels/element_runner.h"

#include <algorithm>

#include "rewind/tensor/error.h"
#include "rewind/tensor/memory.h"

namespace rw::kernels {

template <class T>
ElementRunner<T>::ElementRunner(const ElementProgram& program,
                                std::span<const ElementOperand<T>> operands, Index rows,
                                Index columns)
    : memory_(nullptr, Release{}), blocks_{} {
  require(operands.size() == static_cast<std::size_t>(program.operands),
          "element program: {} operands, it wants {}", operands.size(), program.operands);
  constexpr Index kBlock = 2048 / static_cast<Index>(sizeof(T));  // a program with ten fits L1
  blocks_.program = &program;
  blocks_.all_columns = columns;
  blocks_.columns = std::clamp<Index>(columns, 1, kBlock);
  blocks_.rows = std::clamp<Index>(kBlock / blocks_.columns, 1, std::max<Index>(rows, 1));
  const Index block = blocks_.rows * blocks_.columns, constants = std::ssize(program.constants);
  const Index own = program.operands + program.temporaries + constants;

  const auto size = [](Index count, std::size_t each) {  // a multiple of 64
    return (static_cast<std::size_t>(count) * each + 63) / 64 * 64;
  };
  const std::size_t numbers = size(own * block, sizeof(T));
  const std::size_t values = size(own, sizeof(ElementRows<T>));
  const std::size_t begin = size(program.operands, sizeof(ElementRows<T>));
  const memory::Block taken =
      memory::allocate(numbers + values + begin + size(program.operands, sizeof(Index)));
  memory_ = {taken.data, Release{taken.size_class}};
  auto* const bytes = static_cast<std::byte*>(taken.data);
  blocks_.numbers = reinterpret_cast<T*>(bytes);
  blocks_.values = reinterpret_cast<ElementRows<T>*>(bytes + numbers);
  blocks_.begin = reinterpret_cast<ElementRows<T>*>(bytes + numbers + values);
  blocks_.column_steps = reinterpret_cast<Index*>(bytes + numbers + values + begin);

  blocks_.alone = columns <= kBlock;
  for (std::size_t i = 0; i < operands.size(); i++) {
    blocks_.values[i] = {operands[i].data, operands[i].row_step};
    blocks_.column_steps[i] = operands[i].column_step;
    blocks_.alone &= operands[i].column_step == 1;
  }
  for (Index i = program.operands; i < own; i++) {
    blocks_.values[i] = {blocks_.numbers + i * block, blocks_.columns};
  }
  for (Index i = 0; i < constants; i++) {
    const double constant = program.constants[static_cast<std::size_t>(i)];
    std::fill_n(blocks_.values[own - constants + i].data, block, static_cast<T>(constant));
  }
}

template <class T>
void ElementRunner<T>::Release::operator()(void* data) const {
  memory::release({data, size_class});
}

template class ElementRunner<float>;
template class ElementRunner<double>;

void run(const ElementProgram& program, std::span<const ElementOperand<float>> operands, Index rows,
         Index columns) {
  ElementRunner<float>(program, operands, rows, columns).run(rows);
}
void run(const ElementProgram& program, std::span<const ElementOperand<double>> operands,
         Index rows, Index columns) {
  ElementRunner<double>(program, operands, rows, columns).run(rows);
}

}  // namespace rw::kernels
