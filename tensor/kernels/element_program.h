// A chain of element-wise instructions over matrices, run block by block: what stands between two
// products of a recurrence, as one pass over memory.
//
//   y = tanh(a + b) * c:   {add, t0, a, b} {tanh, t0, t0} {multiply, y, t0, c}
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {
namespace kernels {

// Values as the operations of the same name have them. Comparisons give 1 and 0, and select(a, b,
// c) is b where a is not 0, and c elsewhere. The slopes are a times the derivative of the function
// whose value is b, a (b (1 - b)) and a (1 - b b), and multiply_add is a b + c, each operation
// rounded as it is alone: what several instructions do, in one.
enum class ElementCode : std::uint8_t {
  copy,
  negative,
  abs,
  square,
  sqrt,
  rsqrt,
  reciprocal,
  exp,
  log,
  tanh,
  sigmoid,
  relu,
  add,
  subtract,
  multiply,
  divide,
  maximum,
  minimum,
  equal,
  less,
  less_equal,
  sigmoid_slope,
  tanh_slope,
  select,
  multiply_add,
};

int arity(ElementCode code);

// The numbers of an instruction's result and arguments: operands first, then temporaries, then
// constants. Results are operands or temporaries; the last arguments may be unused.
struct ElementInstruction {
  ElementCode code;
  std::uint16_t result, a, b = 0, c = 0;
};

struct ElementProgram {
  std::vector<ElementInstruction> instructions;
  int operands = 0;
  int temporaries = 0;
  std::vector<double> constants = {};
};

// A matrix of the size that all have, whose element (i, j) stands at data[i * row_step + j *
// column_step]. A column step is 0 (for what is only read) or 1.
template <class T>
struct ElementOperand {
  T* data;
  Index row_step;
  Index column_step = 1;
};

// One run of a program over rows x columns elements. An instruction is done with a block before the
// next one begins, so an operand may be written where another lies only if both have the same place
// for every element, or none in common. The bits of an element depend neither on its place nor on
// the size of the whole. Throws ValueError when the operands are not as many as the program wants.
// Who runs a program again and again makes an ElementRunner (element_runner.h).
void run(const ElementProgram& program, std::span<const ElementOperand<float>> operands, Index rows,
         Index columns);
void run(const ElementProgram& program, std::span<const ElementOperand<double>> operands,
         Index rows, Index columns);

}  // namespace kernels
}  // namespace rw
