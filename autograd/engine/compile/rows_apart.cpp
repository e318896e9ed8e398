#include "rewind/autograd/engine/compile/rows_apart.h"

#include <algorithm>

#include "rewind/tensor/matmul.h"
#include "rewind/tensor/ordered_matmul.h"

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

bool keeps_rows_apart(const Program& program, const OrdinaryInstruction& ordinary) {
  const Graph::Node& node = program.step.graph.nodes()[at(ordinary.node)];
  return program.rows.effect[at(ordinary.node)] == RowEffect::apart &&
         all_rows_come_first(program, node);
}

// Where no rows stand beside each other in the matrices, or are added up. A single matrix on the
// right is multiplied by all rows together.
bool may_be_left_to_blas(const Program& program, const Graph::Node& product) {
  const Graph& graph = program.step.graph;
  const RowEffect effect = program.rows.effect[at(graph.node_of(product.first))];
  if (effect != RowEffect::apart) return effect == RowEffect::added;
  const auto rank = [&](ValueId value) { return graph.spec(value).rank(); };
  const int axis = program.rows.axis_of(product.first);
  const int first_of_matrix = rank(product.first) - (rank(product.inputs[0]) > 1 ? 2 : 1);
  return rank(product.inputs[1]) > 2 && axis != Rows::kNone && axis < first_of_matrix;
}

}  // namespace

const Operation& kernel_of(const Program& program, const Graph::Node& node) {
  static const Operation& ordered = *new Operation(Operation::of(OrderedMatMul{}));
  const bool orders = node.operation.is<MatMul>() && !may_be_left_to_blas(program, node);
  return orders ? ordered : node.operation;
}

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
