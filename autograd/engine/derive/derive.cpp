#include "rewind/autograd/engine/derive/derive.h"

#include "rewind/autograd/engine/step/replay.h"
#include "rewind/autograd/engine/trace/trace.h"
#include "rewind/autograd/tape.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;

std::vector<ValueId> leaves_of(const Graph& graph) {
  std::vector<ValueId> leaves;
  for (ValueId value = 0; value < graph.values(); value++) {
    if (!graph.maker(value)) leaves.push_back(value);
  }
  return leaves;
}

// What the tracer sees: the step on its leaves, rewound by a tape.
class TracedRewind {
 public:
  TracedRewind(const Graph& step, const std::vector<ValueId>& results,
               const std::vector<bool>& arrives)
      : step_(step), results_(results), arrives_(arrives), leaves_(leaves_of(step)) {}

  // Of the leaves, and then of the gradients that arrive.
  std::vector<Spec> arguments() const {
    std::vector<Spec> specs;
    for (const ValueId x : leaves_) specs.push_back(step_.spec(x));
    for (std::size_t i = 0; i < results_.size(); i++) {
      if (arrives_[i]) specs.push_back(step_.spec(results_[i]));
    }
    return specs;
  }
  std::ptrdiff_t leaves() const { return std::ssize(leaves_); }

  // The values of the step, and then the gradients of `reached`.
  Tensors run(const Tensors& given, const std::vector<bool>& wanted) {
    const Pause outer;
    Tape tape;
    Tensors inputs(given.begin(), given.begin() + leaves());
    for (std::size_t i = 0; i < inputs.size(); i++) {
      if (wanted[at(leaves_[i])] && is_float(inputs[i].dtype())) tape.watch(inputs[i]);
    }
    Tensors known = replay(step_, inputs);
    const std::vector<Upstream> upstream = arriving(tape, known, given);
    if (upstream.empty()) return known;
    const Gradients gradients = tape.backward(upstream, {.record = true});
    for (std::size_t i = 0; i < inputs.size(); i++) {
      if (!tape.holds(inputs[i].mark()) || !gradients.find(inputs[i])) continue;
      reached_.push_back(leaves_[i]);
      known.push_back(gradients[inputs[i]]);
    }
    return known;
  }
  const std::vector<ValueId>& reached() const { return reached_; }

 private:
  std::vector<Upstream> arriving(const Tape& tape, const Tensors& known,
                                 const Tensors& given) const {
    std::vector<Upstream> upstream;
    auto gradient = given.begin() + leaves();
    for (std::size_t i = 0; i < results_.size(); i++) {
      if (!arrives_[i]) continue;
      const Tensor& y = known[at(results_[i])];
      if (tape.holds(y.mark())) upstream.push_back({y, *gradient});
      gradient++;
    }
    return upstream;
  }

  const Graph& step_;
  const std::vector<ValueId>& results_;
  const std::vector<bool>& arrives_;
  const std::vector<ValueId> leaves_;
  std::vector<ValueId> reached_;
};

}  // namespace

Derivative derive(const Graph& step, const std::vector<ValueId>& results,
                  const std::vector<bool>& arrives, const std::vector<bool>& wanted) {
  TracedRewind rewind(step, results, arrives);
  Trace traced =
      trace(rewind.arguments(), [&](const Tensors& given) { return rewind.run(given, wanted); });

  Derivative derivative;
  const auto first_gradient = traced.results.begin() + step.values();
  derivative.values.assign(traced.results.begin(), first_gradient);
  derivative.gradients.assign(at(step.values()), -1);
  auto gradient = first_gradient;
  for (const ValueId x : rewind.reached()) derivative.gradients[at(x)] = *gradient++;
  auto arriving = traced.arguments.begin() + rewind.leaves();
  for (const bool arrives_here : arrives) {
    derivative.arriving.push_back(arrives_here ? *arriving++ : -1);
  }
  derivative.graph = std::move(traced.graph);
  derivative.captured = std::move(traced.captured);
  derivative.captured_tensors = std::move(traced.captured_tensors);
  return derivative;
}

}  // namespace rw::engine
