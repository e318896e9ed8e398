// A program of element-wise instructions made ready to run again and again: what does not depend on
// where operands stand is done once. Of one short row that is most of the time.
#pragma once

#include <memory>

#include "rewind/tensor/kernels/element_program.h"

namespace [[gnu::visibility("default")]] rw {
namespace kernels {

// Where the rows of a value stand.
template <class T>
struct ElementRows {
  T* data;
  Index row_step;
};

// What the kernel knows of a program, and keeps of the block at hand.
template <class T>
struct ElementBlocks {
  const ElementProgram* program;
  Index rows, columns;  // of a whole block
  Index all_columns;
  bool alone;              // a row is one block, and no operand has one number for all of it
  T* numbers;              // a block for each value, used where it is needed
  ElementRows<T>* values;  // operands, temporaries, constants
  ElementRows<T>* begin;   // of the operands, while a run goes from block to block
  Index* column_steps;     // of the operands
};
void run_blocks(const ElementBlocks<float>& blocks, Index rows);
void run_blocks(const ElementBlocks<double>& blocks, Index rows);

// Runs over so many columns, on operands that only move from one run to the next. They are cut into
// blocks for so many rows, but take any number. Keeps a reference to the program. One run at a
// time. Throws ValueError when the operands are not as many as the program wants.
template <class T>
class ElementRunner {
 public:
  ElementRunner(const ElementProgram& program, std::span<const ElementOperand<T>> operands,
                Index rows, Index columns);

  // From now on an operand's first element stands there.
  void place(std::size_t operand, T* data) { blocks_.values[operand].data = data; }

  // As run of element_program.h.
  void run(Index rows) {
    if (blocks_.all_columns > 0) run_blocks(blocks_, rows);
  }

 private:
  struct Release {
    std::uint16_t size_class;
    void operator()(void* data) const;
  };
  std::unique_ptr<void, Release> memory_;
  ElementBlocks<T> blocks_;
};

}  // namespace kernels
}  // namespace rw
