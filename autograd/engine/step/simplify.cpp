#include "rewind/autograd/engine/step/simplify.h"

#include "rewind/autograd/engine/step/simplify/rules.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/sum_to.h"

namespace rw::engine {
namespace {

Found simpler(Graph& graph, const Reshape& op, const Values& in) {
  if (shape_of(graph, in[0]) == op.shape) return in[0];
  if (is_made_by<Reshape>(graph, in[0])) {
    return simplified(graph, op, {input_of(graph, in[0], 0)});
  }
  return {};
}

// a v, as a [v].
Found simpler(Graph& graph, const MatMul&, const Values& in) {
  const Dims &a = shape_of(graph, in[0]), &v = shape_of(graph, in[1]);
  if (a.rank() < 2 || v.rank() != 1) return {};
  const Dims rows = a.without(a.rank() - 1);
  const ValueId column = simplified(graph, Reshape{{v[0], 1}}, {in[1]});
  return simplified(graph, Reshape{rows}, {simplified(graph, MatMul{}, {in[0], column})});
}

Found simpler(Graph& graph, const Expand& op, const Values& in) {
  if (shape_of(graph, in[0]) == op.shape) return in[0];
  if (is_made_by<Expand>(graph, in[0])) return simplified(graph, op, {input_of(graph, in[0], 0)});
  return {};
}

Found simpler(Graph& graph, const SumTo& op, const Values& in) {
  if (shape_of(graph, in[0]) == op.shape) return in[0];
  return {};
}

Found simpler(Graph&, const Contiguous&, const Values& in) { return in[0]; }

Found simpler(Graph&, const Affine& op, const Values& in) {
  if (op.scale == 1 && op.shift == 0) return in[0];
  return {};
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

Found simpler(Graph& graph, const Add&, const Values& in) {
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

// Whether the operation is an Op; what its rule says of it.
template <class Op>
bool attempt(Graph& graph, const Operation& operation, const Values& in, Found& found) {
  if (!operation.is<Op>()) return false;
  static const Op kPlain{};
  const Op* op = operation.as<Op>();
  found = simpler(graph, op ? *op : kPlain, in);
  return true;
}

template <class... Ops>
Found found_by_rule(Graph& graph, const Operation& operation, const Values& in) {
  Found found;
  (attempt<Ops>(graph, operation, in, found) || ...);
  return found;
}

}  // namespace

const double* filled_with(const Graph& graph, ValueId value) {
  if (const auto* full = made_by<Full>(graph, value)) return &full->value;
  if (const auto* scalar = made_by<ScalarSource>(graph, value)) return &scalar->value;
  return nullptr;
}

ValueId simplified(Graph& graph, const Operation& operation, std::vector<ValueId> in) {
  if (!graph.simplifies()) {
    // Only in its other form is it known where rows that are added up come from (rows/row_rules.h).
    const Found adjoint = found_by_rule<AddRows>(graph, operation, in);
    return adjoint ? *adjoint : graph.apply(operation, std::move(in));
  }
  const Found found = found_by_rule<Permute, MatMul, Reshape, Expand, SumTo, Contiguous, Affine,
                                    Slice, Concat, SliceAdd, AddRows, Add>(graph, operation, in);
  if (found) return *found;
  narrow(graph, operation, in);
  return graph.apply(operation, std::move(in));
}

}  // namespace rw::engine
