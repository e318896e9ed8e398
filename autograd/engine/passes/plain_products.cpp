// Products of more than two axes, as products of matrices: those have packed forms, which give a
// row the same bits wherever it stands, and sink where they add rows up.
//
//   x [1, rows, k] times W [heads, k, n]       one product, with the matrices side by side
//   stack({x, y}) times W [2, k, n]            a product for each of what is stacked
//   x^T d, both [heads, rows, ...] seen as     the same with the rows first: there they are
//   [heads rows, ...]                          followed (rows/rows.h)
#include "rewind/autograd/engine/passes/canonical.h"
#include "rewind/autograd/engine/rows/rows.h"
#include "rewind/autograd/engine/step/simplify/rules.h"
#include "rewind/tensor/matmul.h"

namespace rw::engine {
namespace {

class PlainProducts {
 public:
  PlainProducts(const Step& step, Index batch)
      : graph_(step.graph), depends_(dependences(step)), rows_(rows_of(step, batch)) {}

  // The image of a node's value, as `rewrite` wants it.
  ValueId operator()(Rewriting& r, const Graph::Node& node) const {
    if (!node.operation.is<MatMul>()) return -1;
    const ValueId a = node.inputs[0], b = node.inputs[1];
    if (adds_rows_in_the_middle(node)) return with_rows_first(r, node);
    if (!same_at_every_step(b) || depends_[at(a)] == Dependence::nothing) return -1;
    if (rank(b) < 3 || rank(a) < 2 || matrices(b) == 0) return -1;
    if (matrices(b) == 1) return with_one_matrix(r, node);
    if (rank(b) != 3 || rows_.axis_of(a) != rank(a) - 2) return -1;
    if (matrices(a) == 1) return with_all_side_by_side(r, node);
    return is_stack_of(a, matrices(b)) ? one_by_one(r, node) : -1;
  }

 private:
  const Dims& shape(ValueId value) const { return graph_.spec(value).shape; }
  int rank(ValueId value) const { return shape(value).rank(); }
  Index matrices(ValueId value) const {
    Index count = 1;
    for (int i = 0; i + 2 < rank(value); i++) count *= shape(value)[i];
    return count;
  }
  // And not with a part for each row.
  bool same_at_every_step(ValueId value) const {
    return depends_[at(value)] == Dependence::nothing && rows_.axis_of(value) == Rows::kNone;
  }

  static ValueId reshaped(Rewriting& r, ValueId x, const Dims& shape) {
    return simplified(r.to.graph, Reshape{shape}, {x});
  }
  static ValueId permuted(Rewriting& r, ValueId x, const Dims& order) {
    return simplified(r.to.graph, Permute{order}, {x});
  }

  ValueId with_one_matrix(Rewriting& r, const Graph::Node& node) const {
    const ValueId a = node.inputs[0], b = node.inputs[1];
    if (rows_.batch == 1 && rank(a) > 2) return -1;  // it may be the row's own
    const Dims matrix{shape(b)[rank(b) - 2], shape(b).back()};
    const ValueId y = simplified(r.to.graph, MatMul{}, {r.of(a), reshaped(r, r.of(b), matrix)});
    return reshaped(r, y, shape(node.first));
  }

  ValueId with_all_side_by_side(Rewriting& r, const Graph::Node& node) const {
    const ValueId a = node.inputs[0], b = node.inputs[1];
    const Index rows = shape(a)[rank(a) - 2], k = shape(a).back();
    const Index heads = shape(b)[0], n = shape(b).back();
    const ValueId side_by_side = reshaped(r, permuted(r, r.of(b), {1, 0, 2}), {k, heads * n});
    const ValueId y =
        simplified(r.to.graph, MatMul{}, {reshaped(r, r.of(a), {rows, k}), side_by_side});
    const ValueId by_heads = permuted(r, reshaped(r, y, {rows, heads, n}), {1, 0, 2});
    return reshaped(r, by_heads, shape(node.first));
  }

  // What stands in one tensor otherwise would have to be taken apart, which costs more than it
  // gives.
  bool is_stack_of(ValueId value, Index count) const {
    const auto* stack = made_by<Stack>(graph_, value);
    return stack && stack->axis == 0 && rank(value) == 3 && shape(value)[0] == count;
  }
  ValueId one_by_one(Rewriting& r, const Graph::Node& node) const {
    const ValueId b = node.inputs[1];
    std::vector<ValueId> products;
    for (const ValueId x : graph_.maker(node.inputs[0])->inputs) {
      const Index i = std::ssize(products);
      const ValueId one = simplified(r.to.graph, Slice{0, i, i + 1, 1}, {r.of(b)});
      const ValueId matrix = reshaped(r, one, shape(b).without(0));
      products.push_back(simplified(r.to.graph, MatMul{}, {r.of(x), matrix}));
    }
    return simplified(r.to.graph, Stack{0}, std::move(products));
  }

  // What the rows of a product, [rows, k], are seen from: [..., k], or [...] where k is one. Of two
  // that would do, the one whose rows are `like` these.
  struct Seen {
    ValueId value = -1;  // -1: from nothing
    Dims rows = {};      // [...]
  };
  Seen seen_from(ValueId matrix, const Dims& like = {}) const {
    if (!is_made_by<Reshape>(graph_, matrix)) return {};
    const ValueId x = input_of(graph_, matrix, 0);
    const Index k = shape(matrix).back();
    if (rank(x) == 0) return {};
    if (k == 1 && shape(x) == like) return {x, like};
    if (shape(x).back() == k) return {x, shape(x).without(rank(x) - 1)};
    return k == 1 ? Seen{x, shape(x)} : Seen{};
  }
  bool adds_rows_in_the_middle(const Graph::Node& node) const {
    const auto* turned = made_by<Permute>(graph_, node.inputs[0]);
    const ValueId right = node.inputs[1];
    if (!turned || !(turned->order == Dims{1, 0}) || rank(right) != 2) return false;
    const Seen a = seen_from(input_of(graph_, node.inputs[0], 0)), b = seen_from(right, a.rows);
    if (a.value < 0 || b.value < 0 || !(a.rows == b.rows)) return false;
    const int axis = rows_.axis_of(a.value);
    return 0 < axis && axis < a.rows.rank() && rows_.axis_of(b.value) == axis;
  }
  ValueId with_rows_first(Rewriting& r, const Graph::Node& node) const {
    const ValueId left = input_of(graph_, node.inputs[0], 0), right = node.inputs[1];
    return simplified(r.to.graph, MatMul{},
                      {permuted(r, seen_rows_first(r, left), {1, 0}), seen_rows_first(r, right)});
  }
  ValueId seen_rows_first(Rewriting& r, ValueId matrix) const {
    const ValueId x = seen_from(matrix).value;
    const int axis = rows_.axis_of(x);
    Dims order{axis};
    for (int i = 0; i < rank(x); i++) {
      if (i != axis) order.push_back(i);
    }
    return reshaped(r, permuted(r, r.of(x), order), shape(matrix));
  }

  const Graph& graph_;
  const std::vector<Dependence> depends_;
  const Rows rows_;
};

// Most steps have none, and need not be gone through.
bool may_be_of_matrices(const Graph& graph, const Graph::Node& node) {
  if (!node.operation.is<MatMul>()) return false;
  return shape_of(graph, node.inputs[1]).rank() > 2 || is_made_by<Reshape>(graph, node.inputs[1]);
}

}  // namespace

Step plain_products(const Step& step, Index batch) {
  const auto& nodes = step.graph.nodes();
  const bool any = std::any_of(nodes.begin(), nodes.end(), [&](const Graph::Node& node) {
    return may_be_of_matrices(step.graph, node);
  });
  if (!any) return step;
  const PlainProducts products(step, batch);
  return rewrite(step, [&](Rewriting& r, const Graph::Node& node) { return products(r, node); });
}

}  // namespace rw::engine
