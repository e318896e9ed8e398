#include "rewind/autograd/engine/run/lookups.h"

#include <algorithm>

#include "rewind/autograd/engine/run/packed.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

class Lookups {
 public:
  Lookups(const Program& program, const Lifted& lifted)
      : program_(program), graph_(program.step.graph), lifted_(lifted) {}

  // Of the table that a node's work goes by; 0: there is none.
  Index rows_of_table(const Graph::Node& node) const {
    if (const auto* sum = node.operation.as<TakeAdjoint>()) {
      const Graph::Node* made = graph_.maker(node.inputs[0]);
      const bool of_product = made && program_.is_packed_product(*made) && read_once(made->first);
      return of_product && is_list_of_rows(node.inputs[1]) ? sum->rows : 0;
    }
    const Graph::Node* look_up = look_up_under(node);
    return look_up ? graph_.spec(look_up->inputs[0]).dim(0) : 0;
  }

  // Which of its rows, where there is one.
  ValueId indices(const Graph::Node& node) const {
    return node.operation.is<TakeAdjoint>() ? node.inputs[1] : look_up_under(node)->inputs[1];
  }

  // Rows of a table cost what rows of the steps do, and are looked up afterwards.
  bool goes_by_table(const Graph::Node& node) const {
    const Index rows = rows_of_table(node);
    return rows > 0 && 2 * rows <= lifted_.total();
  }

  // The look-up of which a product takes rows, or adds them up.
  const Graph::Node* look_up_under(const Graph::Node& node) const {
    if (!node.operation.is<MatMul>()) return nullptr;
    if (program_.is_packed_product(node)) return look_up(node.inputs[0]);
    const Graph::Node* turned = graph_.maker(node.inputs[0]);
    const auto* order = turned ? turned->operation.as<Permute>() : nullptr;
    const bool adds_rows = order && order->order == Dims{1, 0} && rank(node.inputs[1]) == 2 &&
                           program_.rows.stand_first(node.inputs[1]);
    return adds_rows ? look_up(turned->inputs[0]) : nullptr;
  }

 private:
  // In a table that is the same at every step, of one row for each row of the batch.
  const Graph::Node* look_up(ValueId value) const {
    const Graph::Node* node = graph_.maker(value);
    if (!node || !node->operation.is<Take>()) return nullptr;
    const ValueId table = node->inputs[0], indices = node->inputs[1];
    const bool plain = lifted_.is_constant(table) && rank(table) == 2 &&
                       !lifted_.is_constant(indices) && is_list_of_rows(indices);
    return plain ? node : nullptr;
  }

  bool is_list_of_rows(ValueId value) const {
    return rank(value) == 1 && program_.rows.stand_first(value);
  }
  bool read_once(ValueId value) const { return program_.readers[at(value)] == 1; }
  int rank(ValueId value) const { return graph_.spec(value).rank(); }

  const Program& program_;
  const Graph& graph_;
  const Lifted& lifted_;
};

// Without numbers.
Lifted with_all_that_loops_give(const Program& program) {
  Lifted given(program, 0);
  const Graph& graph = program.step.graph;
  for (const ValueId x : program.step.inputs) given.set(x, graph.symbol(x));
  for (ValueId v = 0; v < graph.values(); v++) {
    if (program.stacks[at(v)]) given.set(v, graph.symbol(v));
  }
  return given;
}

// Rows times the matrix of a product.
Tensor times_matrix_of(const Graph::Node& product, const Program& program, const Lifted& lifted,
                       const Tensor& left) {
  const Index columns = program.step.graph.spec(product.first).shape.back();
  return times_packed(left, lifted.packed_form(product.inputs[1]), columns);
}

}  // namespace

Index steps_by_table(const Program& program, const Graph::Node& node) {
  if (!program.by_table) return 0;
  const Lifted given = with_all_that_loops_give(program);
  const Lookups lookups(program, given);
  const Index rows = lookups.rows_of_table(node);
  if (rows == 0 || !given.can_get(lookups.indices(node))) return 0;
  return count_of_parts(2 * rows, std::max<Index>(program.rows.batch, 1));
}

// take(E, i) W + b, as take(E W + b, i)
std::optional<TableRows> product_by_table(const Program& program, Lifted& lifted,
                                          const Graph::Node& node, ValueId value,
                                          const Tensor& row) {
  if (!program.by_table) return {};
  const Lookups lookups(program, lifted);
  if (!program.is_packed_product(node) || !lookups.goes_by_table(node)) return {};
  const Graph::Node& look_up = *lookups.look_up_under(node);
  if (!lifted.can_get(look_up.inputs[1])) return {};
  Tensor& table = lifted.multiplied_table(value);
  if (!table.defined()) {
    table = times_matrix_of(node, program, lifted, lifted.constant(look_up.inputs[0]));
    if (row.defined()) table = std::move(table) + row;
  }
  return TableRows{table, lifted.get(look_up.inputs[1])};
}

std::optional<TableSum> sum_by_table(const Program& program, const Lifted& lifted,
                                     const Graph::Node& node) {
  const Lookups lookups(program, lifted);
  if (program.is_packed_product(node) || !lookups.goes_by_table(node)) return {};
  const Index rows = lookups.rows_of_table(node);
  TableSum sum{node.inputs[1], lookups.indices(node), rows};
  if (node.operation.is<TakeAdjoint>()) sum.d = program.step.graph.maker(node.inputs[0])->inputs[0];
  return lifted.can_get(sum.indices) ? std::optional(sum) : std::nullopt;
}

Tensor made_of_sums(const Program& program, Lifted& lifted, const Graph::Node& node,
                    const Tensor& sums, const Tensor& uses) {
  if (node.operation.is<TakeAdjoint>()) {
    return times_matrix_of(*program.step.graph.maker(node.inputs[0]), program, lifted, sums);
  }
  // Rows of the table that nobody looked up count for nothing, whatever they hold.
  const Graph::Node& look_up = *Lookups(program, lifted).look_up_under(node);
  const Tensor& table = lifted.constant(look_up.inputs[0]);
  const Tensor used = where(greater(uses, 0), table, zeros({}, table.dtype()));
  return matmul(transpose(used), sums);
}

}  // namespace rw::engine
