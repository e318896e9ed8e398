#include "rewind/autograd/engine/derive/adjoint.h"

#include <algorithm>

#include "rewind/autograd/engine/derive/derive.h"
#include "rewind/autograd/engine/derive/min_cut.h"
#include "rewind/autograd/engine/step/facts.h"
#include "rewind/autograd/engine/step/simplify.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

int index_of(const std::vector<ValueId>& values, ValueId value) {
  const auto found = std::find(values.begin(), values.end(), value);
  return found == values.end() ? -1 : static_cast<int>(found - values.begin());
}

bool is_float_value(const Step& step, ValueId value) {
  return is_float(step.graph.spec(value).dtype);
}

// The gradients of all states go round: a gradient that arrives at the last one, or at any output,
// may reach each of them.
Derivative joint_graph(const Step& forward, const Wanted& wanted) {
  std::vector<bool> arrives;
  for (const ValueId y : forward.next) arrives.push_back(is_float_value(forward, y));
  for (std::size_t i = 0; i < forward.outputs.size(); i++) {
    arrives.push_back(i < wanted.outputs.size() && wanted.outputs[i] &&
                      is_float_value(forward, forward.outputs[i]));
  }
  for (std::size_t i = 0; i < forward.sums.size(); i++) arrives.push_back(wanted.sums[i]);
  std::vector<bool> asked(at(forward.graph.values()), false);
  for (std::size_t i = 0; i < forward.invariants.size(); i++) {
    asked[at(forward.invariants[i])] = wanted.invariants[i];
  }
  for (std::size_t i = 0; i < forward.inputs.size(); i++) {
    asked[at(forward.inputs[i])] = wanted.inputs[i];
  }
  for (const ValueId x : forward.states) asked[at(x)] = true;
  return derive(forward.graph, forward.results(), arrives, asked);
}

class Builder {
 public:
  Builder(Step& forward, const Wanted& wanted, Keep keep)
      : forward_(forward),
        wanted_(wanted),
        keep_(keep),
        outputs_(static_cast<int>(forward.outputs.size())),
        joint_(joint_graph(forward, wanted)) {
    forward_value_.assign(at(joint_.graph.values()), -1);
    const std::vector<bool> free = free_values();
    for (ValueId v = 0; v < forward.graph.values(); v++) {
      int& forward_value = forward_value_[at(joint_.values[at(v)])];
      if (forward_value < 0 || free[at(v)]) forward_value = v;
    }
    forward_image_.assign(at(forward.graph.values()), -1);
    result_.assign(at(joint_.graph.values()), -1);
    for (std::size_t i = 0; i < joint_.arriving.size(); i++) {
      if (joint_.arriving[i] >= 0) result_[at(joint_.arriving[i])] = static_cast<int>(i);
    }
    image_.assign(at(joint_.graph.values()), -1);
    backward_.step.graph.set_simplifies(forward.graph.simplifies());
  }

  Backward run() && {
    std::vector<ValueId> roots;
    const auto gradient = [&](ValueId leaf) { return joint_.gradients[at(leaf)]; };
    for (std::size_t k = 0; k < forward_.states.size(); k++) {
      if (!is_float_value(forward_, forward_.states[k])) continue;
      backward_.states.push_back(static_cast<int>(k));
      roots.push_back(gradient(forward_.states[k]));
    }
    for (std::size_t k = 0; k < forward_.inputs.size(); k++) {
      if (!wanted_.inputs[k] || gradient(forward_.inputs[k]) < 0) continue;
      backward_.outputs.push_back(static_cast<int>(k));
      roots.push_back(gradient(forward_.inputs[k]));
    }
    for (std::size_t k = 0; k < forward_.invariants.size(); k++) {
      if (!wanted_.invariants[k] || gradient(forward_.invariants[k]) < 0) continue;
      backward_.sums.push_back(static_cast<int>(k));
      roots.push_back(gradient(forward_.invariants[k]));
    }
    keep(roots);
    return build(roots);
  }

 private:
  bool is_forward(ValueId joint) const { return forward_value_[at(joint)] >= 0; }

  // The forward values that adjoints read.
  std::vector<bool> values_read(const std::vector<ValueId>& roots) const {
    std::vector<ValueId> wanted;
    std::copy_if(roots.begin(), roots.end(), std::back_inserter(wanted),
                 [](ValueId v) { return v >= 0; });
    const std::vector<bool> live = live_values(joint_.graph, wanted);
    std::vector<bool> read(at(forward_.graph.values()), false);
    const auto note = [&](ValueId v) {
      if (is_forward(v)) read[at(forward_value_[at(v)])] = true;
    };
    for (const ValueId root : wanted) note(root);
    for (const Graph::Node& node : joint_.graph.nodes()) {
      if (!is_live(node, live) || is_forward(node.first)) continue;
      for (const ValueId x : node.inputs) note(x);
    }
    return read;
  }

  // What costs nothing to have: what the loop takes, what it gives, and numbers made from nothing.
  std::vector<bool> free_values() const {
    std::vector<bool> free(at(forward_.graph.values()), false);
    for (const ValueId x : forward_.invariants) free[at(x)] = true;
    for (const ValueId x : forward_.inputs) free[at(x)] = true;
    for (const ValueId y : forward_.outputs) free[at(y)] = true;
    return free;
  }

  void keep(const std::vector<ValueId>& roots) {
    const Graph& graph = forward_.graph;
    const std::vector<bool> free = free_values();
    if (keep_ == Keep::everything) return keep_all(values_read(roots), free);
    CutProblem problem;
    problem.read = values_read(roots);
    for (ValueId v = 0; v < graph.values(); v++) {
      const Graph::Node* maker = graph.maker(v);
      const bool again = maker && maker->results == 1 && is_light(maker->operation);
      problem.prices.push_back(price(v));
      problem.source.push_back(!free[at(v)] && !again);
      problem.inputs.emplace_back();
      if (!free[at(v)] && again) problem.inputs.back() = maker->inputs;
      if (free[at(v)]) problem.read[at(v)] = false;
    }
    for (const int v : min_cut(problem)) forward_.outputs.push_back(v);
  }

  // All that is made of inputs or states. The rest, weights with random masks among it, may have no
  // rows, and is made again.
  void keep_all(const std::vector<bool>& read, const std::vector<bool>& free) {
    std::vector<bool> made(free.size(), false);
    for (const ValueId x : forward_.inputs) made[at(x)] = true;
    for (const ValueId x : forward_.states) made[at(x)] = true;
    for (ValueId v = 0; v < forward_.graph.values(); v++) {
      if (const Graph::Node* maker = forward_.graph.maker(v)) {
        made[at(v)] = std::any_of(maker->inputs.begin(), maker->inputs.end(),
                                  [&](ValueId x) { return made[at(x)]; });
      }
      if (made[at(v)] && read[at(v)] && !free[at(v)]) forward_.outputs.push_back(v);
    }
  }

  // Numbers to remember. The state that a step takes is the one that the step before gave: where
  // those are kept anyway it costs next to nothing.
  double price(ValueId value) const {
    const int state = index_of(forward_.states, value);
    if (state >= 0 && index_of(forward_.outputs, forward_.next[at(state)]) >= 0) return 0.5;
    const Graph::Node* maker = forward_.graph.maker(value);
    const double arranged = maker && maker->operation.is<Permute>() ? 0.5 : 0;  // rather its source
    return static_cast<double>(forward_.graph.spec(value).shape.count()) + arranged;
  }

  Backward build(const std::vector<ValueId>& roots) {
    Step& step = backward_.step;
    for (const int k : backward_.states) {
      const ValueId leaf = step.graph.leaf(forward_.graph.spec(forward_.states[at(k)]));
      step.states.push_back(leaf);
      const ValueId arriving = joint_.arriving[at(k)];
      if (arriving >= 0) image_[at(arriving)] = leaf;
    }
    auto root = roots.begin();
    for (const int k : backward_.states) {
      const Spec& spec = forward_.graph.spec(forward_.states[at(k)]);
      step.next.push_back(
          *root >= 0 ? image(*root)
                     : step.graph.apply(Operation::of(Full{spec.shape, spec.dtype, 0}), {}));
      ++root;
    }
    for (std::size_t i = 0; i < backward_.outputs.size(); i++)
      step.outputs.push_back(image(*root++));
    for (std::size_t i = 0; i < backward_.sums.size(); i++) step.sums.push_back(image(*root++));
    return std::move(backward_);
  }

  ValueId invariant(Source source, const Spec& spec) {
    backward_.invariants.push_back(source);
    backward_.step.invariants.push_back(backward_.step.graph.leaf(spec));
    return backward_.step.invariants.back();
  }
  ValueId input(Source source, const Spec& spec) {
    backward_.inputs.push_back(source);
    backward_.step.inputs.push_back(backward_.step.graph.leaf(spec));
    return backward_.step.inputs.back();
  }

  // A value of the joint graph in the backward step.
  ValueId image(ValueId joint) {
    if (image_[at(joint)] < 0) {
      const Spec& spec = joint_.graph.spec(joint);
      const int forward = forward_value_[at(joint)];
      if (forward >= 0) {
        image_[at(joint)] = forward_image(forward);
      } else if (result_[at(joint)] >= 0) {
        image_[at(joint)] = gradient_that_arrives(result_[at(joint)], spec);
      } else if (const int k = index_of(joint_.captured, joint); k >= 0) {
        backward_.constants.push_back(joint_.captured_tensors[at(k)]);
        image_[at(joint)] =
            invariant({Source::constant, static_cast<int>(backward_.constants.size()) - 1}, spec);
      } else {
        make_again(joint);
      }
    }
    return image_[at(joint)];
  }

  // A value of the forward step. If it is made again, then from what the forward step makes it of,
  // since the cut was asked about that. The joint graph may have found a simpler way, from a state,
  // and may have one value for two.
  ValueId forward_image(ValueId value) {
    ValueId& image = forward_image_[at(value)];
    if (image >= 0) return image;
    const Spec& spec = forward_.graph.spec(value);
    if (const int k = index_of(forward_.invariants, value); k >= 0) {
      return image = invariant({Source::invariant, k}, spec);
    }
    if (const int i = index_of(forward_.inputs, value); i >= 0) {
      return image = input({Source::input, i}, spec);
    }
    if (const int o = index_of(forward_.outputs, value); o >= 0) {
      return image = input({Source::output, o}, spec);
    }
    const Graph::Node& node = *forward_.graph.maker(value);
    std::vector<ValueId> inputs;
    for (const ValueId x : node.inputs) inputs.push_back(forward_image(x));
    const ValueId first = made_again(node, std::move(inputs));
    for (int i = 0; i < node.results; i++) forward_image_[at(node.first + i)] = first + i;
    return image;
  }

  ValueId gradient_that_arrives(int result, const Spec& spec) {
    const int outputs = result - static_cast<int>(forward_.next.size());
    const int sums = outputs - outputs_;
    return sums >= 0 ? invariant({Source::sum_gradient, sums}, spec)
                     : input({Source::output_gradient, outputs}, spec);
  }

  void make_again(ValueId joint) {
    const Graph::Node& node = *joint_.graph.maker(joint);
    std::vector<ValueId> inputs;
    for (const ValueId x : node.inputs) inputs.push_back(image(x));
    const ValueId first = made_again(node, std::move(inputs));
    for (int i = 0; i < node.results; i++) image_[at(node.first + i)] = first + i;
  }

  ValueId made_again(const Graph::Node& node, std::vector<ValueId> inputs) {
    Graph& graph = backward_.step.graph;
    return node.results == 1 ? simplified(graph, node.operation, std::move(inputs))
                             : graph.apply(node.operation, std::move(inputs), node.results);
  }

  Step& forward_;
  const Wanted& wanted_;
  const Keep keep_;
  const int outputs_;  // of the forward step, before any was added
  Derivative joint_;
  std::vector<ValueId> forward_value_;  // by value of the joint graph: the same of the forward step
  std::vector<int> result_;             // by value: the result whose gradient arrives here
  std::vector<ValueId> image_;          // by value: in the backward step
  std::vector<ValueId> forward_image_;  // the same by value of the forward step
  Backward backward_;
};

}  // namespace

Backward backward_of(Step& forward, const Wanted& wanted, Keep keep) {
  return Builder(forward, wanted, keep).run();
}

}  // namespace rw::engine
