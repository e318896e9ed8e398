#include "rewind/autograd/engine/compile/forms.h"

#include "rewind/autograd/engine/compile/element_form.h"
#include "rewind/autograd/engine/step/facts.h"
#include "rewind/autograd/engine/step/simplify.h"
#include "rewind/autograd/stop_gradient.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

// The part of one axis that a slice or a selection takes.
struct Part {
  int axis;
  Index start;
};

std::optional<Part> consecutive_part(const Operation& operation) {
  if (const auto* slice = operation.as<Slice>(); slice && slice->step == 1) {
    return Part{static_cast<int>(slice->axis), slice->start};
  }
  if (const auto* select = operation.as<Select>()) {
    return Part{static_cast<int>(select->axis), select->position};
  }
  return {};
}

}  // namespace

Forms::Forms(const LoopBody& body, const ProgramOptions& options, const std::set<int>& refused)
    : body_(body), options_(options) {
  for (int n = 0; n < body.count(); n++) {
    forms_.push_back(body.runs(n) ? form(body.node(n), refused.contains(n)) : Form::none);
  }
  keep_masks_inside();
}

Form Forms::form(const Graph::Node& node, bool refused) const {
  if (runs_packed(node)) return Form::product;
  if (is_contiguous_part(node)) return Form::view;
  if (is_join(node)) return Form::join;
  return is_element(node) && !refused ? Form::element : Form::ordinary;
}

Form Forms::of_value(ValueId value) const {
  const int n = body_.node_of(value);
  return n < 0 ? Form::none : of(n);
}

// A mask has no memory of its own: it is made and read inside of element programs, or else made and
// read by ordinary kernels.
void Forms::keep_masks_inside() {
  const auto is_element_node = [&](int n) { return of(n) == Form::element; };
  for (bool changed = true; changed;) {
    changed = false;
    for (int n = 0; n < body_.count(); n++) {
      if (of(n) != Form::element) continue;
      const ValueId y = body_.node(n).first;
      const auto &in = body_.node(n).inputs, &users = body_.users(y);
      const bool reads_inside = std::all_of(in.begin(), in.end(), [&](ValueId x) {
        return is_float(body_.spec(x).dtype) || filled_with(body_.graph(), x) ||
               of_value(x) == Form::element;
      });
      const bool read_inside =
          is_float(body_.spec(y).dtype) ||
          (!body_.leaves_the_step(y) && std::all_of(users.begin(), users.end(), is_element_node));
      if (reads_inside && read_inside) continue;
      forms_[at(n)] = Form::ordinary;
      changed = true;
    }
  }
}

bool Forms::runs_packed(const Graph::Node& node) const {
  if (!options_.pack || !node.operation.is<MatMul>()) return false;
  const ValueId a = node.inputs[0], b = node.inputs[1];
  return body_.spec(a).rank() == 2 && body_.spec(b).rank() == 2 && body_.invariant(b) &&
         !body_.invariant(a) && body_.is_matrix(a) && body_.is_matrix(node.first) &&
         body_.rows().each_of(a) == 1;
}

// A view whose rows are consecutive numbers of the rows of what it views.
bool Forms::is_contiguous_part(const Graph::Node& node) const {
  if (!is_view(node.operation)) return false;
  const ValueId x = node.inputs[0];
  if (!body_.has_rows(x) || !body_.has_rows(node.first) || body_.columns(node.first) == 0) {
    return false;
  }
  const Operation& op = node.operation;
  if (op.is<Reshape>() || op.is<Contiguous>() || op.is<StopGradient>()) return true;
  const std::optional<Part> part = consecutive_part(node.operation);
  if (!part || body_.rows().each_of(x) != 1) return false;
  for (int axis = 1; axis < part->axis; axis++) {
    if (body_.spec(x).dim(axis) != 1) return false;
  }
  return true;
}

Index Forms::first_column(int n) const {
  const Graph::Node& node = body_.node(n);
  const std::optional<Part> part = consecutive_part(node.operation);
  if (!part) return 0;
  const Spec& whole = body_.spec(node.inputs[0]);
  Index column = part->start;
  for (int i = part->axis + 1; i < whole.rank(); i++) column *= whole.dim(i);
  return column;
}

bool Forms::is_join(const Graph::Node& node) const {
  const auto* concat = node.operation.as<Concat>();
  const ValueId y = node.first;
  if (!concat || !options_.fuse || concat->axis != 1) return false;
  if (body_.spec(y).rank() != 2 || !body_.is_matrix(y) || body_.rows().each_of(y) != 1)
    return false;
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId x) {
    return body_.has_rows(x) && (!body_.invariant(x) || filled_with(body_.graph(), x));
  });
}

bool Forms::is_element(const Graph::Node& node) const {
  if (!options_.fuse || !has_element_form(node.operation)) return false;
  const ValueId y = node.first;
  if (!body_.has_rows(y) || body_.columns(y) == 0) return false;
  if (!is_float(body_.spec(y).dtype) && body_.spec(y).dtype != boolean) return false;
  const Dtype dtype = number_dtype(node);
  return is_float(dtype) && std::all_of(node.inputs.begin(), node.inputs.end(),
                                        [&](ValueId x) { return steps(x, y, dtype).has_value(); });
}

// That of a float among result and inputs; between masks, that of the numbers which they compare.
Dtype Forms::number_dtype(const Graph::Node& node) const {
  const Dtype own = body_.spec(node.first).dtype;
  if (is_float(own)) return own;
  for (const ValueId x : node.inputs) {
    if (is_float(body_.spec(x).dtype)) return body_.spec(x).dtype;
  }
  for (const ValueId x : node.inputs) {
    const Graph::Node* maker = body_.graph().maker(x);
    if (maker && has_element_form(maker->operation)) return number_dtype(*maker);
  }
  return own;
}

bool Forms::makes_mask(ValueId value) const {
  const Graph::Node* maker = body_.graph().maker(value);
  return maker && body_.spec(value).dtype == boolean && !body_.invariant(value) &&
         has_element_form(maker->operation);
}

std::optional<Forms::Steps> Forms::steps(ValueId x, ValueId y, Dtype dtype) const {
  if (filled_with(body_.graph(), x)) return Steps{false, false};
  const Dims &from = body_.spec(x).shape, &to = body_.spec(y).shape;
  const bool mask = makes_mask(x), single_entries = body_.rows().each_of(y) == 1;
  if (body_.spec(x).dtype != dtype && !mask) return {};
  if (body_.has_rows(x)) {
    if (from == to) return Steps{true, true};
    if (body_.columns(x) == 1) return Steps{true, false};
    return {};
  }
  if (!body_.invariant(x) || body_.rows().axis_of(x) != Rows::kNone) return {};
  if (from.count() == 1) return Steps{false, false};
  if (from.count() != body_.columns(y) || !single_entries) return {};
  for (int i = 1; i <= std::min(from.rank(), to.rank() - 1); i++) {
    if (from[from.rank() - i] != to[to.rank() - i]) return {};
  }
  return Steps{false, true};
}

}  // namespace rw::engine
