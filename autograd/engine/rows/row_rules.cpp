// The rules, operation by operation. What has none, and neither declares to be element-wise nor to
// keep rows apart, may mix them.
#include "rewind/autograd/engine/rows/row_rules.h"

#include <algorithm>
#include <unordered_map>

#include "rewind/autograd/engine/rows/row_question.h"
#include "rewind/autograd/engine/step/facts.h"
#include "rewind/autograd/stop_gradient.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/cumsum.h"
#include "rewind/tensor/extrema.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/sorting.h"
#include "rewind/tensor/sum_to.h"

namespace rw::engine {
namespace {

constexpr int kNone = Rows::kNone;

using Question = RowQuestion;
using Answer = RowAnswer;

constexpr Answer kMixed{RowEffect::mixed};
constexpr Answer kAdded{RowEffect::added};
Answer apart(int axis) { return {RowEffect::apart, axis}; }

// Inputs aligned at the last axis, sizes equal or 1.
Answer aligned(Question& q) {
  const int rank = q.result_shape().rank();
  int rows = kNone;
  for (std::size_t i = 0; i < q.inputs(); i++) {
    if (q.axis(i) != kNone) rows = q.axis(i) + rank - q.rank(i);
  }
  for (std::size_t i = 0; i < q.inputs(); i++) {
    const int own = rows - (rank - q.rank(i));
    const bool repeated = own < 0 || (q.axis(i) == kNone && q.shape(i)[own] == 1);
    if (repeated ? !q.has_none(i) : !q.has_rows(i, own)) return kMixed;
  }
  return apart(rows);
}

// The first that would do, unless another one was chosen.
Answer reshape(Question& q) {
  const Dims& to = q.result_shape();
  const std::vector<int> axes = axes_after_reshape(q.shape(0), q.axis(0), to, q.batch());
  if (axes.empty()) return kMixed;
  const bool chosen = std::find(axes.begin(), axes.end(), q.chosen()) != axes.end();
  const int axis = chosen ? q.chosen() : axes[0];
  return {RowEffect::apart, axis, to[axis] / q.batch()};
}

Answer permute(Question& q) {
  const Dims& order = q.op<Permute>().order;
  return apart(static_cast<int>(std::find(order.begin(), order.end(), q.axis(0)) - order.begin()));
}

// A batch of one row may itself be repeated.
Answer expand(Question& q) {
  const int rows = q.axis(0) + q.result_shape().rank() - q.rank(0);
  return q.result_shape()[rows] == q.shape(0)[q.axis(0)] ? apart(rows) : kMixed;
}

int common_axis(const Question& q) {
  int rows = kNone;
  for (std::size_t i = 0; i < q.inputs(); i++) rows = std::max(rows, q.axis(i));
  return rows;
}

// Operations along one axis, which must be another one.
template <class Op>
Answer along(Question& q) {
  const int rows = common_axis(q);
  if (q.op<Op>().axis == rows) return kMixed;
  for (std::size_t i = 0; i < q.inputs(); i++) {
    if (!q.has_rows(i, rows)) return kMixed;
  }
  return apart(rows);
}

Answer stack(Question& q) {
  const int rows = common_axis(q);
  for (std::size_t i = 0; i < q.inputs(); i++) {
    if (!q.has_rows(i, rows)) return kMixed;
  }
  return apart(rows + (q.op<Stack>().axis <= rows));
}

Answer select(Question& q) {
  const int axis = static_cast<int>(q.op<Select>().axis);
  if (axis == q.axis(0)) return kMixed;
  return apart(q.axis(0) - (axis < q.axis(0)));
}

Answer pad(Question& q) {
  const auto& op = q.op<Pad>();
  const bool whole = op.before[q.axis(0)] == 0 && op.after[q.axis(0)] == 0;
  return whole ? apart(q.axis(0)) : kMixed;
}

// All rows of x, and the same ones of what is put into it.
Answer set_region(Question& q) {
  const auto& op = q.op<SetRegion>();
  std::vector<int> of_value;  // by axis of what is put in: the one of x
  for (int i = 0; i < q.rank(0); i++) {
    if (!(op.dropped >> i & 1)) of_value.push_back(i);
  }
  const int rows = q.axis(0) != kNone ? q.axis(0) : of_value[static_cast<std::size_t>(q.axis(1))];
  const auto found = std::find(of_value.begin(), of_value.end(), rows);
  if (found == of_value.end() || op.counts[rows] != q.shape(0)[rows]) return kMixed;
  const bool both =
      q.has_rows(0, rows) && q.has_rows(1, static_cast<int>(found - of_value.begin()));
  return both ? apart(rows) : kMixed;
}

Answer flip(Question& q) {
  const Dims& axes = q.op<Flip>().axes;
  const bool flipped = std::find(axes.begin(), axes.end(), q.axis(0)) != axes.end();
  return flipped ? kMixed : apart(q.axis(0));
}

// The axis of rows after those in `axes` have gone.
Answer reduced(Question& q, std::uint32_t axes, bool keepdims, Answer over_rows) {
  if (axes >> q.axis(0) & 1) return over_rows;
  int gone = 0;
  for (int i = 0; i < q.axis(0) && !keepdims; i++) gone += axes >> i & 1;
  return apart(q.axis(0) - gone);
}

template <class Op>
Answer reduction(Question& q) {
  const Answer over_rows = std::is_same_v<Op, Sum> ? kAdded : kMixed;
  return reduced(q, q.op<Op>().axes, q.op<Op>().keepdims, over_rows);
}

Answer sum_to(Question& q) {
  const Dims& to = q.op<SumTo>().shape;
  const int axis = q.axis(0) - (q.rank(0) - to.rank());
  const bool gone = axis < 0 || to[axis] != q.shape(0)[q.axis(0)];
  return gone ? kAdded : apart(axis);
}

// What the axis of an operand is to a product.
enum class Side : char { none, batch, row, inner, column };

Side side_of(int axis, int rank, bool left) {
  if (axis == kNone) return Side::none;
  if (rank == 1) return Side::inner;
  if (axis < rank - 2) return Side::batch;
  const bool last = axis == rank - 1;
  return left ? (last ? Side::inner : Side::row) : (last ? Side::column : Side::inner);
}

// Where a product adds up over the rows of one operand, those of the other stand there, too.
void take_rows_of_the_other(Question& q) {
  const int inner[] = {q.rank(0) - 1, std::max(q.rank(1) - 2, 0)};
  for (const std::size_t i : {0u, 1u}) {
    if (q.axis(i) == inner[i] && q.axis(1 - i) == kNone) q.has_rows(1 - i, inner[1 - i]);
  }
}

Answer matmul(Question& q) {
  take_rows_of_the_other(q);
  const int a = q.axis(0), b = q.axis(1);
  const int rank = q.result_shape().rank(), most = std::max(q.rank(0), q.rank(1));
  const Side left = side_of(a, q.rank(0), true), right = side_of(b, q.rank(1), false);
  if (left == Side::inner && right == Side::inner) return q.each(0) == q.each(1) ? kAdded : kMixed;
  if (left == Side::row && q.has_none(1)) return apart(rank - (q.rank(1) > 1 ? 2 : 1));
  if (right == Side::column && q.has_none(0)) return apart(rank - 1);
  if (left == Side::batch || right == Side::batch) {
    const int rows = left == Side::batch ? a + most - q.rank(0) : b + most - q.rank(1);
    for (const std::size_t i : {0u, 1u}) {
      const int own = rows - (most - q.rank(i));
      const bool shared = q.axis(i) == kNone && (own < 0 || q.shape(i)[own] == 1);
      if (shared ? !q.has_none(i) : own >= q.rank(i) - 2 || !q.has_rows(i, own)) return kMixed;
    }
    return apart(rows);
  }
  return kMixed;
}

Answer take(Question& q) { return q.has_none(0) ? apart(q.axis(1)) : kMixed; }

Answer take_adjoint(Question& q) { return q.axis(0) == q.axis(1) ? kAdded : kMixed; }

Answer one_hot(Question& q) { return apart(q.axis(0)); }

using Rule = Answer (*)(Question&);

Rule rule_of(const OpType& type) {
  // Lives for ever, as plans do (plans.cpp).
  using Rules = std::unordered_map<const OpType*, Rule>;
  static const Rules& rules = *new Rules{
      {&op_type<Reshape>, reshape},
      {&op_type<Permute>, permute},
      {&op_type<Expand>, expand},
      {&op_type<Contiguous>, aligned},
      {&op_type<StopGradient>, aligned},
      {&op_type<Concat>, along<Concat>},
      {&op_type<Stack>, stack},
      {&op_type<Select>, select},
      {&op_type<Pad>, pad},
      {&op_type<Flip>, flip},
      {&op_type<Slice>, along<Slice>},
      {&op_type<SliceAdd>, along<SliceAdd>},
      {&op_type<SetRegion>, set_region},
      {&op_type<Softmax>, along<Softmax>},
      {&op_type<LogSoftmax>, along<LogSoftmax>},
      {&op_type<CumSum>, along<CumSum>},
      {&op_type<ArgSort>, along<ArgSort>},
      {&op_type<ArgTopK>, along<ArgTopK>},
      {&op_type<Gather>, along<Gather>},
      {&op_type<ScatterAdd>, along<ScatterAdd>},
      {&op_type<Sum>, reduction<Sum>},
      {&op_type<Mean>, reduction<Mean>},
      {&op_type<Prod>, reduction<Prod>},
      {&op_type<Var>, reduction<Var>},
      {&op_type<Any>, reduction<Any>},
      {&op_type<All>, reduction<All>},
      {&op_type<Max>, reduction<Max>},
      {&op_type<Min>, reduction<Min>},
      {&op_type<ArgMax>, reduction<ArgMax>},
      {&op_type<ArgMin>, reduction<ArgMin>},
      {&op_type<LogSumExp>, reduction<LogSumExp>},
      {&op_type<SumTo>, sum_to},
      {&op_type<MatMul>, matmul},
      {&op_type<Take>, take},
      {&op_type<TakeAdjoint>, take_adjoint},
      {&op_type<OneHot>, one_hot},
  };
  const auto found = rules.find(&type);
  if (found != rules.end()) return found->second;
  if (type.traits.elementwise || type.traits.broadcasts) return aligned;
  return nullptr;
}

// Of operations without rows among their inputs but with sums over rows: those that are linear.
bool linear_in_totals(const Question& q, const Graph::Node& node) {
  const Operation& op = node.operation;
  if (const auto* affine = op.as<Affine>()) return affine->shift == 0;
  const bool all = is_view(op) || op.is<Add>() || op.is<Subtract>() || op.is<Concat>() ||
                   op.is<Stack>() || op.is<SliceAdd>() || op.is<Flip>() || op.is<Sum>() ||
                   op.is<SumTo>();
  std::size_t totals = 0;
  for (std::size_t i = 0; i < node.inputs.size(); i++) totals += q.total(i) || (all && q.zeros(i));
  if (all) return totals == node.inputs.size();
  return (op.is<Multiply>() || op.is<MatMul>()) && totals == 1;
}

// What was found holds for single entries along the axis of rows. Where rows have several, they are
// entries of the same rows in all inputs.
Answer with_each(const Question& q, const Graph::Node& node, Answer answer) {
  Index each = 1;
  for (std::size_t i = 0; i < q.inputs(); i++) each = std::max(each, q.each(i));
  if (each == 1 || node.operation.is<Reshape>() || answer.effect == RowEffect::mixed) return answer;
  for (std::size_t i = 0; i < q.inputs(); i++) {
    if (q.axis(i) != kNone && q.each(i) != each) return kMixed;
  }
  answer.each = answer.axis == kNone ? 1 : each;
  return answer;
}

Answer by_first_axis(Question& q) {
  for (std::size_t i = 0; i < q.inputs(); i++) {
    if (!q.has_rows(i, 0)) return kMixed;
  }
  return apart(0);
}

Answer with_rows_among_inputs(Question& q, const Graph::Node& node) {
  if (const Rule rule = rule_of(node.operation.type())) {
    return node.results == 1 ? rule(q) : kMixed;
  }
  return node.operation.type().traits.rowwise ? by_first_axis(q) : kMixed;
}

}  // namespace

// The rows may be joined with what follows them, and parted again: [batch, n] and [batch * n].
std::vector<int> axes_after_reshape(const Dims& from, int axis, const Dims& to, Index batch) {
  const auto before = [](const Dims& shape, int end) {
    Index count = 1;
    for (int i = 0; i < end; i++) count *= shape[i];
    return count;
  };
  std::vector<int> axes;
  for (int i = 0; i < to.rank(); i++) {
    if (batch == 0 || to[i] == 0 || to[i] % batch != 0) continue;
    if (before(to, i) == before(from, axis)) axes.push_back(i);
  }
  return axes;
}

RowAnswer rows_after(const Graph& graph, const Graph::Node& node, Rows& rows,
                     std::vector<bool>& settled) {
  Question q(graph, node, rows, settled);
  bool any_rows = false, any_total = false;
  for (std::size_t i = 0; i < q.inputs(); i++) {
    any_rows |= q.axis(i) != kNone;
    any_total |= q.total(i);
  }
  if (any_rows && any_total) return kMixed;
  if (any_rows) return with_each(q, node, with_rows_among_inputs(q, node));
  if (any_total) return linear_in_totals(q, node) ? kAdded : kMixed;
  return apart(kNone);
}

}  // namespace rw::engine
