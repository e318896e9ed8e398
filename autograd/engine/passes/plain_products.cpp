// Products of more than two axes, as products of matrices: those have packed forms, which give a
// row the same bits wherever it stands, and sink where they add rows up.
//
//   x [1, rows, k] times W [heads, k, n]       one product, with the matrices side by side
//   x [heads, rows, k] times W [heads, k, n]   a product for each head
//   x^T d, both [heads, rows, ...] seen as     the same with the rows first: there they are
//   [heads rows, ...]                          followed (rows/rows.h)
#include "rewind/autograd/engine/passes/canonical.h"
#include "rewind/autograd/engine/rows/rows.h"
#include "rewind/autograd/engine/step/simplify.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

// Of more heads, one product that BLAS computes for all of them is left as it is.
constexpr Index kMostHeads = 16;

class PlainProducts {
 public:
  PlainProducts(const Step& step, Index batch)
      : graph_(step.graph), depends_(dependences(step)), rows_(rows_of(step, batch)) {}

  // The image of a node's value, as `rewrite` wants it.
  ValueId operator()(Rewriting& r, const Graph::Node& node) const {
    if (!node.operation.is<MatMul>()) return -1;
    const ValueId a = node.inputs[0], b = node.inputs[1];
    if (adds_rows_in_the_middle(node)) return rows_first(r, node);
    if (!same_at_every_step(b) || depends_[at(a)] == Dependence::nothing) return -1;
    if (rank(b) < 3 || rank(a) < 2 || matrices(b) == 0) return -1;
    if (matrices(b) == 1) return with_one_matrix(r, node);
    if (rank(b) != 3 || rows_.axis_of(a) != rank(a) - 2) return -1;
    if (matrices(a) == 1) return with_all_side_by_side(r, node);
    const bool fits = rank(a) == 3 && matrices(a) == matrices(b) && matrices(b) <= kMostHeads;
    return fits ? head_by_head(r, node) : -1;
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

  ValueId head_by_head(Rewriting& r, const Graph::Node& node) const {
    std::vector<ValueId> products;
    for (Index head = 0; head < matrices(node.inputs[1]); head++) {
      products.push_back(
          simplified(r.to.graph, MatMul{},
                     {matrix_of(r, node.inputs[0], head), matrix_of(r, node.inputs[1], head)}));
    }
    return simplified(r.to.graph, Stack{0}, std::move(products));
  }
  ValueId matrix_of(Rewriting& r, ValueId x, Index head) const {
    const Graph::Node* maker = graph_.maker(x);
    const auto* stack = maker ? maker->operation.as<Stack>() : nullptr;
    if (stack && stack->axis == 0) return r.of(maker->inputs[static_cast<std::size_t>(head)]);
    const ValueId one = simplified(r.to.graph, Slice{0, head, head + 1, 1}, {r.of(x)});
    return reshaped(r, one, shape(x).without(0));
  }

  // What the rows of a product are seen from, [..., k] as [rows, k]; -1: nothing.
  ValueId seen_from(ValueId rows) const {
    const Graph::Node* maker = graph_.maker(rows);
    return maker && maker->operation.is<Reshape>() ? maker->inputs[0] : -1;
  }
  const Graph::Node* transposed(ValueId value) const {
    const Graph::Node* maker = graph_.maker(value);
    const auto* permute = maker ? maker->operation.as<Permute>() : nullptr;
    return permute && permute->order == Dims{1, 0} ? maker : nullptr;
  }
  bool adds_rows_in_the_middle(const Graph::Node& node) const {
    const Graph::Node* left = transposed(node.inputs[0]);
    if (!left || rank(node.inputs[1]) != 2) return false;
    const ValueId a = seen_from(left->inputs[0]), b = seen_from(node.inputs[1]);
    if (a < 0 || b < 0 || rank(a) != rank(b)) return false;
    const int axis = rows_.axis_of(a), last = rank(a) - 1;
    return 0 < axis && axis < last && rows_.axis_of(b) == axis &&
           shape(a).without(last) == shape(b).without(last) &&
           shape(left->inputs[0]).back() == shape(a).back() &&
           shape(node.inputs[1]).back() == shape(b).back();
  }
  ValueId rows_first(Rewriting& r, const Graph::Node& node) const {
    const ValueId left = transposed(node.inputs[0])->inputs[0], right = node.inputs[1];
    const ValueId a = r.of(seen_from(left)), b = r.of(seen_from(right));
    const int axis = rows_.axis_of(seen_from(left));
    Dims order{axis};
    for (int i = 0; i < rank(seen_from(left)); i++) {
      if (i != axis) order.push_back(i);
    }
    const ValueId rows = reshaped(r, permuted(r, a, order), shape(left));
    const ValueId others = reshaped(r, permuted(r, b, order), shape(right));
    return simplified(r.to.graph, MatMul{}, {permuted(r, rows, {1, 0}), others});
  }

  const Graph& graph_;
  const std::vector<Dependence> depends_;
  const Rows rows_;
};

}  // namespace

Step plain_products(const Step& step, Index batch) {
  const PlainProducts products(step, batch);
  return rewrite(step, [&](Rewriting& r, const Graph::Node& node) { return products(r, node); });
}

}  // namespace rw::engine
