#include "rewind/autograd/engine/rewind.h"

#include <algorithm>

#include "rewind/autograd/tape.h"
#include "rewind/tensor/creation.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;

class Rewind {
 public:
  Rewind(const Scan& scan, Kept kept, const ScanResults& arriving, const Wanted& wanted)
      : scan_(scan),
        kept_(std::move(kept)),
        arriving_(arriving),
        planned_(scan.recurrence->backward(wanted, Tape::current() != nullptr)) {}

  ScanGradients run() && {
    const Backward& wiring = planned_->wiring;
    const Scan backward{planned_->recurrence, scan_.rows, !scan_.reverse, scan_.draws};
    const ScanResults results = apply_scan(
        backward, {tensors(wiring.invariants), tensors(wiring.inputs), last_gradients()});
    const Step& step = scan_.recurrence->step();
    return {placed(results.sums, wiring.sums, step.invariants.size()),
            placed(results.outputs, wiring.outputs, step.inputs.size()),
            placed(results.last, wiring.states, step.states.size())};
  }

 private:
  static Tensors placed(const Tensors& gradients, const std::vector<int>& places,
                        std::size_t count) {
    Tensors result(count);
    for (std::size_t i = 0; i < places.size(); i++) {
      result[static_cast<std::size_t>(places[i])] = gradients[i];
    }
    return result;
  }

  // What was kept is handed on: nobody reads it here afterwards, and each value is read once.
  Tensor tensor(const Source& source) {
    const auto index = static_cast<std::size_t>(source.index);
    switch (source.kind) {
      case Source::invariant:
        return kept_.invariants[index];
      case Source::input:
        return kept_.inputs[index];
      case Source::output: {
        const std::vector<int>& kept = scan_.recurrence->kept();
        const auto found = std::find(kept.begin(), kept.end(), source.index) - kept.begin();
        return std::move(kept_.outputs[static_cast<std::size_t>(found)]);
      }
      case Source::output_gradient:
        return arriving_.outputs[index];
      case Source::sum_gradient:
        return arriving_.sums[index];
      case Source::constant:
        break;
    }
    return planned_->wiring.constants[index];
  }

  Tensors tensors(const std::vector<Source>& sources) {
    Tensors result;
    for (const Source& source : sources) result.push_back(tensor(source));
    return result;
  }

  Tensors last_gradients() const {
    const Step& step = scan_.recurrence->step();
    Tensors result;
    for (const int k : planned_->wiring.states) {
      const Tensor& dy = arriving_.last[at(k)];
      const Spec& spec = step.graph.spec(step.states[at(k)]);
      result.push_back(dy.defined() ? dy : zeros(spec.shape, spec.dtype));
    }
    return result;
  }

  const Scan& scan_;
  Kept kept_;
  const ScanResults& arriving_;
  const std::shared_ptr<const PlannedBackward> planned_;
};

std::vector<bool> are_defined(const Tensors& tensors) {
  std::vector<bool> result;
  for (const Tensor& x : tensors) result.push_back(x.defined());
  return result;
}

}  // namespace

ScanGradients rewind_scan(const Scan& scan, Kept kept, const ScanResults& arriving,
                          std::vector<bool> asked_invariants, std::vector<bool> asked_inputs) {
  const Wanted wanted{std::move(asked_invariants), std::move(asked_inputs),
                      are_defined(arriving.outputs), are_defined(arriving.sums)};
  return Rewind(scan, std::move(kept), arriving, wanted).run();
}

}  // namespace rw::engine
