#include <algorithm>

#include "rewind/autograd/engine/step/simplify/rules.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/matmul.h"

namespace rw::engine {
namespace {

bool is_identity(const Dims& order) {
  for (int i = 0; i < order.rank(); i++) {
    if (order[i] != i) return false;
  }
  return true;
}

bool is_transpose(const Dims& order) { return order == Dims{1, 0}; }

ValueId transposed(Graph& graph, ValueId x) { return simplified(graph, Permute{{1, 0}}, {x}); }

bool is_sum_of_equals(const Graph& graph, ValueId x) {
  return is_made_by<Add>(graph, x) &&
         shape_of(graph, input_of(graph, x, 0)) == shape_of(graph, input_of(graph, x, 1));
}

bool arranges(const Graph& graph, ValueId x) {
  return is_made_by<Slice>(graph, x) || is_made_by<Concat>(graph, x) || is_sum_of_equals(graph, x);
}

// a^T b, which is as easily made as b^T a. Of other products the transpose would be one more.
bool is_product_over_rows(const Graph& graph, ValueId x) {
  if (!is_made_by<MatMul>(graph, x)) return false;
  const auto* left = made_by<Permute>(graph, input_of(graph, x, 0));
  return left && is_transpose(left->order) && shape_of(graph, input_of(graph, x, 1)).rank() == 2;
}

// Whether it is put together from such products, transposes and numbers alone.
bool is_transposed_for_free(const Graph& graph, ValueId x) {
  if (!arranges(graph, x)) {
    return is_product_over_rows(graph, x) || is_made_by<Permute>(graph, x) ||
           is_made_by<Full>(graph, x);
  }
  const Values& parts = graph.maker(x)->inputs;
  return std::all_of(parts.begin(), parts.end(),
                     [&](ValueId part) { return is_transposed_for_free(graph, part); });
}

ValueId transpose_arranged(Graph& graph, ValueId x) {
  const Operation operation = graph.maker(x)->operation;
  const Operation turned = operation.is<Add>() ? operation : *across(operation);
  Values parts;
  const Values before = graph.maker(x)->inputs;
  for (const ValueId part : before) parts.push_back(transposed(graph, part));
  return simplified(graph, turned, std::move(parts));
}

}  // namespace

std::optional<Operation> across(const Operation& operation) {
  if (const auto* slice = operation.as<Slice>()) {
    return Operation::of(Slice{1 - slice->axis, slice->start, slice->stop, slice->step});
  }
  if (const auto* concat = operation.as<Concat>()) return Operation::of(Concat{1 - concat->axis});
  return {};
}

Found simpler(Graph& graph, const Permute& op, const Values& in) {
  if (is_identity(op.order)) return in[0];
  if (const auto* inner = made_by<Permute>(graph, in[0])) {
    Dims order = op.order;
    for (int i = 0; i < order.rank(); i++)
      order.set(i, inner->order[static_cast<int>(op.order[i])]);
    return simplified(graph, Permute{order}, {input_of(graph, in[0], 0)});
  }
  if (const auto* full = made_by<Full>(graph, in[0])) {
    Dims shape;
    for (const Index axis : op.order) shape.push_back(full->shape[static_cast<int>(axis)]);
    return simplified(graph, Full{shape, full->dtype, full->value}, {});
  }
  const bool matrix = is_transpose(op.order);
  if (matrix && is_product_over_rows(graph, in[0])) {
    const ValueId a = input_of(graph, in[0], 0), b = input_of(graph, in[0], 1);
    return simplified(graph, MatMul{}, {transposed(graph, b), transposed(graph, a)});
  }
  if (matrix && is_transposed_for_free(graph, in[0])) return transpose_arranged(graph, in[0]);
  return {};
}

}  // namespace rw::engine
