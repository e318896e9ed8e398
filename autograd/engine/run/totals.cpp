#include "rewind/autograd/engine/run/totals.h"

#include <algorithm>

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/sum_to.h"

namespace rw::engine {

// Gradients by the rows of one table, of what is multiplied and of what it is multiplied by, are
// made of the same sums.
void Totals::begin() {
  begun_ = true;
  totals_.resize(program_.totals.size());
  table_.assign(program_.totals.size(), -1);
  for (std::size_t i = 0; program_.by_table && i < table_.size(); i++) {
    const auto sum = sum_by_table(program_, lifted_, node(program_.totals[i]));
    if (!sum) continue;
    const auto known = std::find_if(by_table_.begin(), by_table_.end(),
                                    [&](const ByTable& other) { return other.sum == *sum; });
    table_[i] = static_cast<int>(known - by_table_.begin());
    if (known == by_table_.end()) by_table_.push_back({*sum, {}, {}});
  }
}

void Totals::add() {
  if (!begun_) begin();
  for (ByTable& table : by_table_) table.added = false;
  for (std::size_t i = 0; i < program_.totals.size(); i++) {
    if (table_[i] < 0) {
      add_to(totals_[i], node(program_.totals[i]));
    } else {
      add_to(by_table_[static_cast<std::size_t>(table_[i])]);
    }
  }
}

void Totals::add_to(Tensor& total, const Graph::Node& node) {
  if (!total.defined()) {
    total = lifted_.get(node.first);
  } else if (is_product_of_matrices(node)) {
    const Tensor a = lifted_.get(node.inputs[0]);
    add_matmul(a, lifted_.get(node.inputs[1]), total);
  } else if (node.operation.is<TakeAdjoint>()) {
    const Tensor dy = lifted_.get(node.inputs[0]);
    total = add_rows(std::move(total), lifted_.get(node.inputs[1]), dy);
  } else if (is_sum_of_floats(node)) {
    // In double, as within a stretch.
    total = to(std::move(total), float64) + to(lifted_.get(node.first), float64);
  } else {
    total = std::move(total) + lifted_.get(node.first);
  }
}

bool Totals::is_sum_of_floats(const Graph::Node& node) const {
  const bool sum = node.operation.is<Sum>() || node.operation.is<SumTo>();
  return sum && is_float(program_.step.graph.spec(node.first).dtype);
}

bool Totals::is_product_of_matrices(const Graph::Node& node) const {
  const Graph& graph = program_.step.graph;
  return node.operation.is<MatMul>() && graph.spec(node.inputs[0]).rank() == 2 &&
         graph.spec(node.inputs[1]).rank() == 2;
}

void Totals::add_to(ByTable& table) {
  if (std::exchange(table.added, true)) return;
  const Tensor d = lifted_.get(table.sum.d), indices = lifted_.get(table.sum.indices);
  const Tensor ones = full({indices.dim(0), 1}, 1, d.dtype());
  if (!table.sums.defined()) {
    table.sums = take_adjoint(d, indices, table.sum.rows);
    table.uses = take_adjoint(ones, indices, table.sum.rows);
  } else {
    table.sums = add_rows(std::move(table.sums), indices, d);
    table.uses = add_rows(std::move(table.uses), indices, ones);
  }
}

void Totals::finish() {
  for (std::size_t i = 0; i < totals_.size(); i++) {
    const Graph::Node& own = node(program_.totals[i]);
    if (table_[i] < 0) {
      lifted_.set(own.first, to(std::move(totals_[i]), program_.step.graph.spec(own.first).dtype));
    } else {
      const ByTable& table = by_table_[static_cast<std::size_t>(table_[i])];
      lifted_.set(own.first, made_of_sums(program_, lifted_, own, table.sums, table.uses));
    }
  }
}

}  // namespace rw::engine
