#include <algorithm>
#include <map>

#include "rewind/autograd/engine/passes/canonical.h"
#include "rewind/autograd/engine/step/simplify.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/ordered_matmul.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

class Lowering {
 public:
  Lowering(const Step& step, bool work)
      : from_(step), work_(work), r_(step), depends_(dependences(step)) {
    outside_.resize(static_cast<std::size_t>(step.graph.values()), -1);
    for (const ValueId x : step.invariants) {
      outside_[at(x)] = prelude_.graph.leaf(step.graph.spec(x));
    }
  }

  Canonical run() && {
    r_.take_inputs_and_states();
    r_.take_results([&](ValueId y) { return inside(y); });
    return {std::move(r_.to), std::move(prelude_)};
  }

 private:
  // Repetitions are free inside.
  bool moves(const Graph::Node& node) {
    return depends_[at(node.first)] == Dependence::nothing && (work_ || node.inputs.empty()) &&
           !node.operation.is<Expand>() && stands_outside(node);
  }
  // Whether it rests on an invariant, or on numbers that differ; not on single numbers alone, which
  // stay where they are used and are there for any number of rows.
  bool stands_outside(const Graph::Node& node) {
    if (node.inputs.empty()) return !filled_with(from_.graph, node.first);
    return std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId x) {
      const Graph::Node* maker = from_.graph.maker(x);
      return !maker || stands_outside(*maker);
    });
  }

  // Captured tensors may have rows, and nothing tells here.
  static Operation on_the_tape(const Operation& operation) {
    return operation.is<MatMul>() ? Operation::of(OrderedMatMul{}) : operation;
  }

  ValueId outside(ValueId value) {
    if (outside_[at(value)] >= 0) return outside_[at(value)];
    const Graph::Node& node = *from_.graph.maker(value);
    std::vector<ValueId> inputs;
    for (const ValueId x : node.inputs) inputs.push_back(outside(x));
    const ValueId first =
        prelude_.graph.apply(on_the_tape(node.operation), std::move(inputs), node.results);
    for (int i = 0; i < node.results; i++) outside_[at(node.first + i)] = first + i;
    return outside_[at(value)];
  }

  ValueId invariant(ValueId value) {
    const ValueId source = outside(value);
    const auto [entry, is_new] = invariants_.try_emplace(source, -1);
    if (is_new) {
      entry->second = r_.to.graph.leaf(prelude_.graph.spec(source));
      r_.to.invariants.push_back(entry->second);
      prelude_.results.push_back(source);
    }
    return entry->second;
  }

  // A matrix put together from given ones by views and concatenations alone.
  bool is_put_together(ValueId value) const {
    const Graph::Node* node = from_.graph.maker(value);
    if (!node) return contains(from_.invariants, value);
    const bool arranges = node->operation.is<Permute>() || node->operation.is<Slice>() ||
                          node->operation.is<Concat>();
    return arranges && std::all_of(node->inputs.begin(), node->inputs.end(), [&](ValueId x) {
             return from_.graph.spec(x).rank() == 2 && is_put_together(x);
           });
  }

  // Stays inside, as the right operand of a product: there it is packed from what is given, whose
  // gradients are made in the layout that they have.
  ValueId put_together(ValueId value) {
    const Graph::Node* node = from_.graph.maker(value);
    if (r_.of(value) >= 0 || !node) return inside(value);
    for (const ValueId x : node->inputs) put_together(x);
    copy(r_, *node);
    return r_.of(value);
  }

  ValueId inside(ValueId value) {
    if (r_.of(value) >= 0) return r_.of(value);
    const Graph::Node* node = from_.graph.maker(value);
    if (!node || moves(*node)) {
      r_.set(value, invariant(value));
      return r_.of(value);
    }
    if (node->operation.is<MatMul>() && is_put_together(node->inputs[1])) {
      put_together(node->inputs[1]);
    }
    for (const ValueId x : node->inputs) inside(x);
    copy(r_, *node);
    return r_.of(value);
  }

  const Step& from_;
  const bool work_;
  Rewriting r_;
  std::vector<Dependence> depends_;
  std::vector<ValueId> outside_;  // by value of the old step: in the prelude
  std::map<ValueId, ValueId> invariants_;
  Prelude prelude_;
};

}  // namespace

Canonical lower_invariants(const Step& step, bool work) { return Lowering(step, work).run(); }

}  // namespace rw::engine
