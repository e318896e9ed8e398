#include "rewind/autograd/engine/simplify.h"

#include <algorithm>
#include <optional>

#include "rewind/tensor/creation.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/sum_to.h"

namespace rw::engine {
namespace {

using Values = std::vector<ValueId>;
using Found = std::optional<ValueId>;

const Dims& shape_of(const Graph& graph, ValueId value) { return graph.spec(value).shape; }

// The attributes of the operation that makes a value, if it is an Op.
template <class Op>
const Op* made_by(const Graph& graph, ValueId value) {
  const Graph::Node* node = graph.maker(value);
  return node ? node->operation.as<Op>() : nullptr;
}
template <class Op>
bool is_made_by(const Graph& graph, ValueId value) {
  const Graph::Node* node = graph.maker(value);
  return node && node->operation.is<Op>();
}
ValueId input_of(const Graph& graph, ValueId value, std::size_t i) {
  return graph.maker(value)->inputs[i];
}

bool is_identity(const Dims& order) {
  for (int i = 0; i < order.rank(); i++) {
    if (order[i] != i) return false;
  }
  return true;
}

bool is_transpose(const Dims& order) { return order == Dims{1, 0}; }

ValueId transposed(Graph& graph, ValueId x) { return simplified(graph, Permute{{1, 0}}, {x}); }

bool arranges(const Graph& graph, ValueId x) {
  return is_made_by<Slice>(graph, x) || is_made_by<Concat>(graph, x);
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

Found transpose_arranged(Graph& graph, ValueId x) {
  Values parts;
  const Values before = graph.maker(x)->inputs;
  for (const ValueId part : before) parts.push_back(transposed(graph, part));
  if (const auto* slice = made_by<Slice>(graph, x)) {
    const Slice across{1 - slice->axis, slice->start, slice->stop, slice->step};
    return simplified(graph, across, parts);
  }
  const auto* concat = made_by<Concat>(graph, x);
  return concat ? Found(simplified(graph, Concat{1 - concat->axis}, parts)) : Found();
}

Found permute(Graph& graph, const Permute& op, const Values& in) {
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
  if (matrix && is_made_by<Add>(graph, in[0])) {
    const ValueId a = input_of(graph, in[0], 0), b = input_of(graph, in[0], 1);
    if (!(shape_of(graph, a) == shape_of(graph, b))) return {};
    return simplified(graph, Add{}, {transposed(graph, a), transposed(graph, b)});
  }
  return matrix && is_transposed_for_free(graph, in[0]) ? transpose_arranged(graph, in[0])
                                                        : Found();
}

Found reshape(Graph& graph, const Reshape& op, const Values& in) {
  if (shape_of(graph, in[0]) == op.shape) return in[0];
  if (is_made_by<Reshape>(graph, in[0])) {
    return simplified(graph, op, {input_of(graph, in[0], 0)});
  }
  return {};
}

Found expand(Graph& graph, const Expand& op, const Values& in) {
  if (shape_of(graph, in[0]) == op.shape) return in[0];
  if (is_made_by<Expand>(graph, in[0])) return simplified(graph, op, {input_of(graph, in[0], 0)});
  return {};
}

Found sum_to(Graph& graph, const SumTo& op, const Values& in) {
  if (shape_of(graph, in[0]) == op.shape) return in[0];
  return {};
}

Found contiguous(Graph&, const Contiguous&, const Values& in) { return in[0]; }

Found affine(Graph&, const Affine& op, const Values& in) {
  if (op.scale == 1 && op.shift == 0) return in[0];
  return {};
}

// A slice of values side by side that takes of one of them only.
Found slice_of_concat(Graph& graph, const Slice& op, ValueId joined) {
  const auto* concat = made_by<Concat>(graph, joined);
  if (!concat || concat->axis != op.axis) return {};
  Index from = 0;
  for (const ValueId part : graph.maker(joined)->inputs) {
    const Index size = shape_of(graph, part)[static_cast<int>(op.axis)];
    if (from <= op.start && op.stop <= from + size) {
      return simplified(graph, Slice{op.axis, op.start - from, op.stop - from, 1}, {part});
    }
    from += size;
  }
  return {};
}

Found slice(Graph& graph, const Slice& op, const Values& in) {
  const Index size = shape_of(graph, in[0])[static_cast<int>(op.axis)];
  if (op.start == 0 && op.stop == size && op.step == 1) return in[0];
  if (op.step != 1) return {};
  const auto* inner = made_by<Slice>(graph, in[0]);
  if (inner && inner->axis == op.axis && inner->step == 1) {
    const Slice both{op.axis, inner->start + op.start, inner->start + op.stop, 1};
    return simplified(graph, both, {input_of(graph, in[0], 0)});
  }
  return slice_of_concat(graph, op, in[0]);
}

// Slices side by side that follow each other in one value.
Found concat(Graph& graph, const Concat& op, const Values& in) {
  if (in.size() == 1) return in[0];
  const auto* first = made_by<Slice>(graph, in[0]);
  if (!first) return {};
  const ValueId whole = input_of(graph, in[0], 0);
  Index end = first->start;
  for (const ValueId part : in) {
    const auto* s = made_by<Slice>(graph, part);
    if (!s || s->axis != op.axis || s->step != 1 || s->start != end) return {};
    if (input_of(graph, part, 0) != whole) return {};
    end = s->stop;
  }
  return simplified(graph, Slice{op.axis, first->start, end, 1}, {whole});
}

// d between zeros: [zeros, d, zeros] of the shape of `like`, or of its part from `begin` to `end`.
void put_between_zeros(Graph& graph, const SliceAdd& op, ValueId d, const Spec& like, Index begin,
                       Index end, Values& parts) {
  const int axis = static_cast<int>(op.axis);
  const auto gap = [&](Index size) {
    if (size == 0) return;
    parts.push_back(simplified(graph, Full{like.shape.with(axis, size), like.dtype, 0}, {}));
  };
  gap(op.start - begin);
  parts.push_back(d);
  gap(end - op.stop);
}

// d added into values side by side: in the place of zeros among them, or to one of them.
Found add_into_concat(Graph& graph, const SliceAdd& op, ValueId joined, ValueId d) {
  const auto* concat = made_by<Concat>(graph, joined);
  if (!concat || concat->axis != op.axis) return {};
  const Values before = graph.maker(joined)->inputs;
  Values parts;
  Index from = 0;
  bool done = false;
  for (const ValueId part : before) {
    const Index end = from + shape_of(graph, part)[static_cast<int>(op.axis)];
    const bool inside = from <= op.start && op.stop <= end;
    const double* number = filled_with(graph, part);
    if (inside && !done && number && *number == 0) {
      put_between_zeros(graph, op, d, graph.spec(joined), from, end, parts);
      done = true;
    } else if (from == op.start && op.stop == end && !done) {
      parts.push_back(simplified(graph, Add{}, {part, d}));
      done = true;
    } else {
      parts.push_back(part);
    }
    from = end;
  }
  if (!done) return {};
  return simplified(graph, Concat{op.axis}, parts);
}

Found slice_add(Graph& graph, const SliceAdd& op, const Values& in) {
  if (op.step != 1) return {};
  if (const Found joined = add_into_concat(graph, op, in[0], in[1])) return joined;
  const Spec& spec = graph.spec(in[0]);
  Values parts;
  put_between_zeros(graph, op, in[1], spec, 0, spec.shape[static_cast<int>(op.axis)], parts);
  const ValueId padded = simplified(graph, Concat{op.axis}, parts);
  const double* number = filled_with(graph, in[0]);
  if (number && *number == 0) return padded;
  return simplified(graph, Add{}, {in[0], padded});
}

// Rows added into zeros, or to whole terms: the adjoint of a look-up.
Found add_rows(Graph& graph, const AddRows&, const Values& in) {
  const Index rows = graph.spec(in[0]).dim(0);
  const ValueId sum = simplified(graph, TakeAdjoint{rows}, {in[2], in[1]});
  return simplified(graph, Add{}, {in[0], sum});
}

// u c - v c, as (u - v) c.
Found difference_of_products(Graph& graph, ValueId x, ValueId minus_y) {
  const auto* negative = made_by<Affine>(graph, minus_y);
  if (!negative || negative->scale != -1 || negative->shift != 0) return {};
  const ValueId y = input_of(graph, minus_y, 0);
  if (!is_made_by<Multiply>(graph, x) || !is_made_by<Multiply>(graph, y)) return {};
  for (const std::size_t i : {0u, 1u}) {
    for (const std::size_t k : {0u, 1u}) {
      if (input_of(graph, x, i) != input_of(graph, y, k)) continue;
      const ValueId u = input_of(graph, x, 1 - i), v = input_of(graph, y, 1 - k);
      const ValueId difference = simplified(graph, Subtract{}, {u, v});
      return simplified(graph, Multiply{}, {difference, input_of(graph, x, i)});
    }
  }
  return {};
}

Found add(Graph& graph, const Add&, const Values& in) {
  for (const std::size_t i : {0u, 1u}) {
    const double* number = filled_with(graph, in[i]);
    const ValueId other = in[1 - i];
    if (number && *number == 0 &&
        graph.spec(other) == broadcast("add", graph.spec(in[0]), graph.spec(in[1]))) {
      return other;
    }
    if (const Found better = difference_of_products(graph, in[i], other)) return better;
  }
  return {};
}

// Inputs that broadcasting would repeat anyway need not be repeated before.
void narrow(Graph& graph, const Operation& operation, Values& in) {
  if (!operation.type().traits.broadcasts) return;
  const auto result = [&](const Values& inputs) {
    std::vector<const Tensor*> symbols;
    for (const ValueId x : inputs) symbols.push_back(&graph.symbol(x));
    Tensor y;
    operation.type().infer(operation.op(), symbols, {&y, 1});
    return y.spec();
  };
  for (std::size_t i = 0; i < in.size(); i++) {
    ValueId narrower;
    const double* number = filled_with(graph, in[i]);
    if (number && shape_of(graph, in[i]).rank() > 0) {
      narrower = graph.apply(Operation::of(ScalarSource{*number, graph.spec(in[i]).dtype}), {});
    } else if (is_made_by<Expand>(graph, in[i])) {
      narrower = input_of(graph, in[i], 0);
    } else {
      continue;
    }
    Values narrowed = in;
    narrowed[i] = narrower;
    if (result(narrowed) == result(in)) in = narrowed;
  }
}

template <class Op>
bool attempt(Found (*rule)(Graph&, const Op&, const Values&), Graph& graph,
             const Operation& operation, const Values& in, Found& found) {
  if (!operation.is<Op>()) return false;
  static const Op kPlain{};
  const Op* op = operation.as<Op>();
  found = rule(graph, op ? *op : kPlain, in);
  return true;
}

}  // namespace

const double* filled_with(const Graph& graph, ValueId value) {
  if (const auto* full = made_by<Full>(graph, value)) return &full->value;
  if (const auto* scalar = made_by<ScalarSource>(graph, value)) return &scalar->value;
  return nullptr;
}

ValueId simplified(Graph& graph, const Operation& operation, std::vector<ValueId> in) {
  Found found;
  attempt<Permute>(permute, graph, operation, in, found) ||
      attempt<Reshape>(reshape, graph, operation, in, found) ||
      attempt<Expand>(expand, graph, operation, in, found) ||
      attempt<SumTo>(sum_to, graph, operation, in, found) ||
      attempt<Contiguous>(contiguous, graph, operation, in, found) ||
      attempt<Affine>(affine, graph, operation, in, found) ||
      attempt<Slice>(slice, graph, operation, in, found) ||
      attempt<Concat>(concat, graph, operation, in, found) ||
      attempt<SliceAdd>(slice_add, graph, operation, in, found) ||
      attempt<AddRows>(add_rows, graph, operation, in, found) ||
      attempt<Add>(add, graph, operation, in, found);
  if (found) return *found;
  narrow(graph, operation, in);
  return graph.apply(operation, std::move(in));
}

}  // namespace rw::engine
