#include "rewind/autograd/engine/lookups.h"

#include <algorithm>

#include "rewind/autograd/engine/packed.h"
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
  Lookups(const Program& program, Lifted& lifted, Index total)
      : program_(program), graph_(program.step.graph), lifted_(lifted), total_(total) {}

  // Of the table that a node's work goes by; 0: there is none.
  Index rows_of_table(const Graph::Node& node) const {
    if (const auto* sum = node.operation.as<TakeAdjoint>()) {
      const Graph::Node* made = graph_.maker(node.inputs[0]);
      const bool of_product = made && lifted_.is_packed_product(*made) && read_once(made->first);
      return of_product && is_list_of_rows(node.inputs[1]) ? sum->rows : 0;
    }
    const Graph::Node* look_up = look_up_under(node);
    return look_up ? graph_.spec(look_up->inputs[0]).dim(0) : 0;
  }

  Tensor value(const Graph::Node& node) {
    const Index rows = rows_of_table(node);
    if (rows == 0 || !is_small(rows)) return {};
    if (const auto* sum = node.operation.as<TakeAdjoint>()) return gradient_of_table(node, *sum);
    const Graph::Node& look_up = *look_up_under(node);
    if (!lifted_.can_get(look_up.inputs[1])) return {};
    return lifted_.is_packed_product(node) ? product(node, look_up)
                                           : gradient_of_matrix(node, look_up);
  }

 private:
  // take(E, i) W
  Tensor product(const Graph::Node& node, const Graph::Node& look_up) {
    return take(times_packed(node, lifted_.constant(look_up.inputs[0])),
                lifted_.get(look_up.inputs[1]));
  }

  // take(E, i)^T d. Rows of the table that nobody looked up count for nothing, whatever they hold.
  Tensor gradient_of_matrix(const Graph::Node& node, const Graph::Node& look_up) {
    const Tensor& table = lifted_.constant(look_up.inputs[0]);
    const Tensor& indices = lifted_.get(look_up.inputs[1]);
    const Tensor ones = full({indices.dim(0), 1}, 1, table.dtype());
    const Tensor used = greater(take_adjoint(ones, indices, table.dim(0)), 0);
    const Tensor sums = take_adjoint(lifted_.get(node.inputs[1]), indices, table.dim(0));
    return matmul(transpose(where(used, table, zeros({}, table.dtype()))), sums);
  }

  // The rows of d W^T, added up in the rows of a table.
  Tensor gradient_of_table(const Graph::Node& node, const TakeAdjoint& sum) {
    const Graph::Node& made = *graph_.maker(node.inputs[0]);
    const Tensor& d = lifted_.get(made.inputs[0]);
    return times_packed(made, take_adjoint(d, lifted_.get(node.inputs[1]), sum.rows));
  }

  // The look-up of which a product takes rows, or adds them up.
  const Graph::Node* look_up_under(const Graph::Node& node) const {
    if (!node.operation.is<MatMul>()) return nullptr;
    if (lifted_.is_packed_product(node)) return look_up(node.inputs[0]);
    const Graph::Node* turned = graph_.maker(node.inputs[0]);
    const auto* order = turned ? turned->operation.as<Permute>() : nullptr;
    const bool adds_rows = order && order->order == Dims{1, 0} && rank(node.inputs[1]) == 2 &&
                           has_rows_first(node.inputs[1]);
    return adds_rows ? look_up(turned->inputs[0]) : nullptr;
  }

  // In a table that is the same at every step, of one row for each row of the batch.
  const Graph::Node* look_up(ValueId value) const {
    const Graph::Node* node = graph_.maker(value);
    if (!node || !node->operation.is<Take>()) return nullptr;
    const ValueId table = node->inputs[0], indices = node->inputs[1];
    const bool plain = lifted_.is_constant(table) && rank(table) == 2 &&
                       !lifted_.is_constant(indices) && is_list_of_rows(indices);
    return plain ? node : nullptr;
  }

  // Rows of a table cost what rows of the steps do, and are looked up afterwards.
  bool is_small(Index rows) const { return 2 * rows <= total_; }
  bool is_list_of_rows(ValueId value) const { return rank(value) == 1 && has_rows_first(value); }
  bool has_rows_first(ValueId value) const {
    return program_.rows.axis_of(value) == 0 && program_.rows.each_of(value) == 1;
  }
  bool read_once(ValueId value) const {
    return program_.readers[static_cast<std::size_t>(value)] == 1;
  }
  int rank(ValueId value) const { return graph_.spec(value).rank(); }

  Tensor times_packed(const Graph::Node& product, const Tensor& left) const {
    const Index columns = graph_.spec(product.first).shape.back();
    return engine::times_packed(left, lifted_.packed_form(product.inputs[1]), columns);
  }

  const Program& program_;
  const Graph& graph_;
  Lifted& lifted_;
  const Index total_;
};

}  // namespace

Index steps_by_table(const Program& program, const Graph::Node& node) {
  if (!program.by_table) return 0;
  Lifted nothing(program, 0);
  const Index rows = Lookups(program, nothing, 0).rows_of_table(node);
  const Index batch = std::max<Index>(program.rows.batch, 1);
  return (2 * rows + batch - 1) / batch;
}

Tensor by_table(const Program& program, Lifted& lifted, const Graph::Node& node, Index total) {
  return Lookups(program, lifted, total).value(node);
}

}  // namespace rw::engine
