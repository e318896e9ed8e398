#include "rewind/autograd/engine/run/lifted.h"

#include <algorithm>
#include <array>

#include "rewind/autograd/engine/compile/rows_apart.h"
#include "rewind/autograd/engine/run/lookups.h"
#include "rewind/autograd/engine/run/packed.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/matmul_batches.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/views.h"

namespace rw::engine {

void execute(const Operation& operation, std::span<const Tensor* const> inputs,
             std::span<Tensor> outputs, std::uint64_t donated) {
  operation.type().execute(operation.op(), inputs, outputs, donated);
}

namespace {

// rows += row, each of them.
void add_row(const Tensor& row, Tensor& rows) {
  const Index count = rows.dim(0), columns = rows.dim(1);
  dispatch_float("add", rows.dtype(), [&](auto v) {
    using T = decltype(v);
    const T* const x = row.data<T>();
    T* const all = output_data<T>(rows);
    parallel_for(count, (1 << 16) / std::max<Index>(columns, 1) + 1, [&](Index begin, Index end) {
      for (T* y = all + begin * columns; y < all + end * columns; y += columns) {
        for (Index i = 0; i < columns; i++) y[i] += x[i];
      }
    });
  });
}

}  // namespace

Lifted::Lifted(const Program& program, Index total)
    : program_(program), total_(total), rows_(total) {
  values_.resize(static_cast<std::size_t>(program.step.graph.values()));
  constants_.resize(values_.size());
  tables_.resize(values_.size());
}

void Lifted::begin_stretch(Index rows) {
  rows_ = rows;
  std::fill(values_.begin(), values_.end(), Tensor());
}

const Tensor& Lifted::constant(ValueId value) {
  Tensor& x = constants_[at(value)];
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
  Tensor& x = values_[at(value)];
  if (!x.defined()) compute(*program_.step.graph.maker(value));
  return x;
}

void Lifted::get_into(ValueId value, Tensor& rows) {
  const Graph::Node* node = program_.step.graph.maker(value);
  const Spec& spec = program_.step.graph.spec(value);
  const bool known = values_[at(value)].defined();
  if (node && !known && spec.rank() == 2 && rows.size() > 0) {
    const Index columns = spec.shape.back();
    Tensor matrix = rows.view({rows.size() / columns, columns}, {columns, 1}, 0);
    if (compute_into(*node, matrix)) return;
  }
  copy_elements(reshape(get(value), rows.shape()), rows);
}

// Products with packed matrices, and what adds a row to all rows of one.
bool Lifted::compute_into(const Graph::Node& node, Tensor& rows) {
  if (program_.is_packed_product(node)) {
    multiply_into(node, rows, node.first);
    return true;
  }
  if (!node.operation.is<Add>()) return false;
  for (const std::size_t i : {0u, 1u}) {
    const ValueId product = node.inputs[i], row = node.inputs[1 - i];
    const bool adds_a_row =
        is_spent(product) && is_constant(row) &&
        program_.step.graph.spec(row).shape == Dims{rows.dim(1)} &&
        program_.step.graph.spec(product) == program_.step.graph.spec(node.first);
    if (!adds_a_row) continue;
    const Graph::Node& made = *program_.step.graph.maker(product);
    if (program_.is_packed_product(made)) {
      multiply_into(made, rows, node.first, constant(row));
    } else {
      get_into(product, rows);
      add_row(contiguous(constant(row)), rows);
    }
    return true;
  }
  return false;
}

// The rows of `value`: of a product, or of its sum with a row.
void Lifted::multiply_into(const Graph::Node& product, Tensor& rows, ValueId value,
                           const Tensor& row) {
  if (const auto by_table = product_by_table(program_, *this, product, value, row)) {
    Take{}.run(by_table->table, by_table->indices, rows);
  } else {
    multiply_packed(get(product.inputs[0]), packed_form(product.inputs[1]), rows, row);
  }
}

bool Lifted::can_get(ValueId value) const {
  if (values_[at(value)].defined()) return true;
  if (is_constant(value)) return program_.rows.axis_of(value) == Rows::kNone;
  const Graph& graph = program_.step.graph;
  const int n = graph.node_of(value);
  // What runs in the loop is not made here a second time: numbers that it draws would be others.
  if (n < 0 || !runs_outside(program_.fates.node[at(n)])) return false;
  const std::vector<ValueId>& inputs = graph.nodes()[at(n)].inputs;
  return std::all_of(inputs.begin(), inputs.end(), [&](ValueId x) { return can_get(x); });
}

bool Lifted::is_spent(ValueId value) const {
  return program_.step.graph.maker(value) && !is_constant(value) &&
         program_.readers[at(value)] == 1;
}

Tensor Lifted::packed_form(ValueId value) const {
  const RecipeOf& made = program_.recipes.at(value);
  std::vector<Tensor> sources;
  for (const ValueId x : made.sources) {
    sources.push_back(constants_[at(x)]);
  }
  return engine::packed_form(made.recipe, sources);
}

void Lifted::compute(const Graph::Node& node) {
  Tensor& y = values_[static_cast<std::size_t>(node.first)];
  if (const auto by_table = product_by_table(program_, *this, node, node.first)) {
    y = take(by_table->table, by_table->indices);
  } else if (program_.is_packed_product(node)) {
    const Index columns = program_.step.graph.spec(node.first).shape.back();
    y = times_packed(get(node.inputs[0]), packed_form(node.inputs[1]), columns);
  } else {
    compute_by_its_kernel(node, {&y, static_cast<std::size_t>(node.results)});
  }
  for (const ValueId x : node.inputs) {
    if (is_spent(x)) values_[at(x)] = Tensor();
  }
}

void Lifted::compute_by_its_kernel(const Graph::Node& node, std::span<Tensor> outputs) {
  const Operation& kernel = kernel_of(program_, node);
  std::vector<const Tensor*> inputs;
  std::array<Tensor, 2> copies;
  std::uint64_t donated = 0;
  for (std::size_t i = 0; i < node.inputs.size(); i++) {
    const ValueId x = node.inputs[i];
    inputs.push_back(&get(x));
    if (i < 64 && is_spent(x)) donated |= std::uint64_t{1} << i;
    // A loop has matrices row after row, and by BLAS the bits of a product depend on how they lie.
    // (Repetitions may stay.)
    if (kernel.is<MatMul>() && !rows_lie_together(*inputs[i])) {
      copies[i] = contiguous(*inputs[i]);
      inputs[i] = &copies[i];
    }
  }
  execute(with_rows(kernel, program_.rows, node.first, rows_), inputs, outputs, donated);
}

}  // namespace rw::engine
