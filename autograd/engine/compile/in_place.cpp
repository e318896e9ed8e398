#include "rewind/autograd/engine/compile/in_place.h"

#include "rewind/autograd/engine/compile/element_form.h"
#include "rewind/autograd/engine/step/facts.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"

namespace rw::engine {
namespace {

// Whether the result is never a view of an argument, nor memory that somebody else holds: of an
// operation of a user nobody knows.
bool makes_new_numbers(const Operation& operation) {
  return operation.is<MatMul>() || operation.is<Concat>() || has_element_form(operation);
}

}  // namespace

bool is_slice_beside(const Operation& operation, const Slice& other) {
  const auto* slice = operation.as<Slice>();
  return slice && slice->axis == other.axis &&
         (slice->stop <= other.start || other.stop <= slice->start);
}

InPlace::InPlace(const LoopBody& body, const Forms& forms, const ProgramOptions& options,
                 const InPlace* like)
    : body_(body), forms_(forms), like_(like) {
  for (int n = 0; n < body.count(); n++) {
    if (forms.of(n) == Form::join) plan_join(n);
    if (forms.of(n) == Form::element && options.alias) plan_addition(n);
  }
}

const InPlace::Inside* InPlace::inside(ValueId part) const {
  const auto found = inside_.find(part);
  return found == inside_.end() ? nullptr : &found->second;
}

void InPlace::plan_join(int n) {
  const Graph::Node& node = body_.node(n);
  bool needs_stack = body_.stacked(node.first);
  Index column = 0;
  for (const ValueId part : node.inputs) {
    const Form form = forms_.of_value(part);
    // Not where sums begin as elsewhere: there one may begin with the join, which others read part
    // by part.
    const bool is_made_here = (form == Form::product || form == Form::element) && !like_ &&
                              !inside(part) && added_onto(part) < 0 && sum_begins_with(part) < 0;
    if (is_made_here) {
      inside_[part] = {node.first, column};
    } else {
      copies_.push_back({part, node.first, column, n});
    }
    column += body_.columns(part);
    needs_stack |= body_.stacked(part);
  }
  if (needs_stack) needs_stack_.insert(node.first);
}

// u + p, where p is a product that only this sum reads.
void InPlace::plan_addition(int n) {
  const Graph::Node& node = body_.node(n);
  if (!node.operation.is<Add>() || inside(node.first)) return;
  for (const std::size_t i : {1u, 0u}) {
    const ValueId p = node.inputs[i], u = node.inputs[1 - i];
    if (!may_add_onto(u, p, node.first)) continue;
    added_onto_[p] = u;
    products_[u] = p;
    sums_[node.first] = u;
    return;
  }
}

bool InPlace::may_add_onto(ValueId term, ValueId product, ValueId sum) const {
  if (like_) return like_->added_onto(product) == term && like_->sum_begins_with(sum) == term;
  if (term == product || forms_.of_value(product) != Form::product || inside(product)) return false;
  if (body_.users(product).size() != 1 || body_.leaves_the_step(product)) return false;
  // A product of one column that is spread over the sum cannot be added by its kernel.
  if (body_.spec(product) != body_.spec(sum)) return false;
  if (body_.spec(term) != body_.spec(sum) || !is_private(term)) return false;
  return body_.users(term).size() == 1;
}

bool InPlace::is_private(ValueId value) const {
  const int n = body_.node_of(value);
  if (n < 0 || body_.leaves_the_step(value) || inside(value)) return false;
  if (is_view(body_.node(n).operation)) return is_private_part(body_.node(n));
  return is_own(value);
}

// Whether it is made in memory of its own, and read in the loop alone.
bool InPlace::is_own(ValueId value) const {
  const int n = body_.node_of(value);
  if (n < 0 || !makes_new_numbers(body_.node(n).operation)) return false;
  if (body_.fates().node[at(n)] == Fate::before) return !is_result(value) && !read_outside(value);
  if (body_.leaves_the_step(value) || inside(value)) return false;
  return forms_.of(n) == Form::product ||
         (forms_.of(n) == Form::element && is_float(body_.spec(value).dtype));
}

// A slice of what is read slice by slice, none over another. Before the loop the slices are made by
// operations that only look at it.
bool InPlace::is_private_part(const Graph::Node& part) const {
  const auto* mine = part.operation.as<Slice>();
  const ValueId whole = part.inputs[0];
  const int n = body_.node_of(whole);
  if (!mine || n < 0 || is_result(part.first)) return false;
  const bool before = body_.fates().node[at(n)] == Fate::before;
  const bool own = before ? makes_new_numbers(body_.node(n).operation) && !is_result(whole) &&
                                !read_outside(part.first)
                          : is_own(whole);
  if (!own) return false;
  return std::all_of(body_.nodes().begin(), body_.nodes().end(), [&](const Graph::Node& reader) {
    if (reader.first == part.first || !contains(reader.inputs, whole)) return true;
    return is_slice_beside(reader.operation, *mine);
  });
}

bool InPlace::is_result(ValueId value) const {
  const Step& step = body_.step();
  return contains(step.next, value) || contains(step.outputs, value) || contains(step.sums, value);
}

// Whether work before or after the loop reads it, too.
bool InPlace::read_outside(ValueId value) const {
  for (int n = 0; n < body_.count(); n++) {
    if (!runs_outside(body_.fates().node[at(n)])) continue;
    if (contains(body_.node(n).inputs, value)) return true;
  }
  return false;
}

}  // namespace rw::engine
