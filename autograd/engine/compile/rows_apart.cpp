#include "rewind/autograd/engine/compile/rows_apart.h"

#include <algorithm>

#include "rewind/tensor/matmul.h"

namespace rw::engine {
namespace {

bool lies_row_after_row(const Program& program, ValueId sum) {
  return program.rows.stand_first(sum) && program.buffers[at(program.place(sum)->buffer)].rows;
}

// Kernels go along other axes in an order of their own; of rows that come later they may compute
// one alone in another way.
bool all_rows_come_first(const Program& program, const Graph::Node& node) {
  const auto is_first = [&](ValueId value) { return program.rows.axis_of(value) == 0; };
  for (int k = 0; k < node.results; k++) {
    if (!is_first(node.first + k)) return false;
  }
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId x) {
    return is_first(x) || program.rows.axis_of(x) == Rows::kNone;
  });
}

// BLAS rounds a row of a matrix by where it stands in it. Packed products do not, nor do those with
// a matrix that each row of the batch has of its own.
bool multiplies_each_row_alone(const Program& program, const OrdinaryInstruction& product) {
  if (product.packed >= 0) return true;
  const Graph::Node& node = program.step.graph.nodes()[at(product.node)];
  return program.rows.axis_of(node.inputs[1]) == 0 &&
         program.step.graph.spec(node.inputs[1]).rank() > 2;
}

bool keeps_rows_apart(const Program& program, const OrdinaryInstruction& ordinary) {
  const Graph::Node& node = program.step.graph.nodes()[at(ordinary.node)];
  if (program.rows.effect[at(ordinary.node)] != RowEffect::apart) return false;
  return all_rows_come_first(program, node) &&
         (!node.operation.is<MatMul>() || multiplies_each_row_alone(program, ordinary));
}

}  // namespace

std::string_view why_rows_stay_together(const Program& program) {
  for (const int s : program.fates.accumulated) {
    if (!lies_row_after_row(program, program.step.sums[at(s)])) {
      return "sums over them are added up inside the loop";
    }
  }
  for (const Instruction& instruction : program.loop) {
    const auto* ordinary = std::get_if<OrdinaryInstruction>(&instruction);
    if (ordinary && !keeps_rows_apart(program, *ordinary)) {
      return "an ordinary kernel inside the loop needs all of them";
    }
  }
  return {};
}

}  // namespace rw::engine
