#include "rewind/autograd/engine/step/simplify/rules.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"

namespace rw::engine {
namespace {

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

}  // namespace

Found simpler(Graph& graph, const Slice& op, const Values& in) {
  const Index size = shape_of(graph, in[0])[static_cast<int>(op.axis)];
  if (op.start == 0 && op.stop == size && op.step == 1) return in[0];
  if (const auto* full = made_by<Full>(graph, in[0])) {
    const Index count = count_of_parts(op.stop - op.start, op.step);
    const Dims shape = full->shape.with(static_cast<int>(op.axis), count);
    return simplified(graph, Full{shape, full->dtype, full->value}, {});
  }
  if (op.step != 1) return {};
  const auto* inner = made_by<Slice>(graph, in[0]);
  if (inner && inner->axis == op.axis && inner->step == 1) {
    const Slice both{op.axis, inner->start + op.start, inner->start + op.stop, 1};
    return simplified(graph, both, {input_of(graph, in[0], 0)});
  }
  return slice_of_concat(graph, op, in[0]);
}

// Slices side by side that follow each other in one value.
Found simpler(Graph& graph, const Concat& op, const Values& in) {
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

Found simpler(Graph& graph, const SliceAdd& op, const Values& in) {
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
Found simpler(Graph& graph, const AddRows&, const Values& in) {
  const Index rows = graph.spec(in[0]).dim(0);
  const ValueId sum = simplified(graph, TakeAdjoint{rows}, {in[2], in[1]});
  return simplified(graph, Add{}, {in[0], sum});
}

}  // namespace rw::engine
