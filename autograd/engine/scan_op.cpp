#include "rewind/autograd/engine/scan_op.h"

#include "rewind/autograd/engine/replay.h"
#include "rewind/autograd/frame.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/creation.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;

// The attributes. Inputs are invariants, inputs and initial states; outputs are last states,
// outputs, sums.
struct Scan {
  std::shared_ptr<const Recurrence> recurrence;
  std::shared_ptr<const RowSchedule> rows;
  bool reverse;
  Draws draws;

  const Step& step() const { return recurrence->step(); }
};

const Scan& scan_of(const void* op) { return *static_cast<const Scan*>(op); }

Dims with_time(Index time, const Dims& shape) {
  Dims result{time};
  for (const Index size : shape) result.push_back(size);
  return result;
}

LoopInputs loop_inputs(const Scan& scan, std::span<const Tensor* const> inputs) {
  const Step& step = scan.step();
  LoopInputs in{*scan.rows, scan.reverse, scan.draws, {}, {}, {}};
  auto next = inputs.begin();
  for (std::size_t i = 0; i < step.invariants.size(); i++) in.invariants.push_back(**next++);
  for (std::size_t i = 0; i < step.inputs.size(); i++) in.inputs.push_back(**next++);
  for (std::size_t i = 0; i < step.states.size(); i++) in.initial.push_back(**next++);
  return in;
}

void execute(const void* op, std::span<const Tensor* const> inputs, std::span<Tensor> outputs,
             std::uint64_t) {
  const Scan& scan = scan_of(op);
  LoopResults results = run(scan.recurrence->program(), loop_inputs(scan, inputs));
  auto next = outputs.begin();
  for (Tensors* part : {&results.last, &results.outputs, &results.sums}) {
    for (Tensor& x : *part) *next++ = std::move(x);
  }
}

void infer(const void* op, std::span<const Tensor* const>, std::span<Tensor> outputs) {
  const Scan& scan = scan_of(op);
  const Step& step = scan.step();
  auto next = outputs.begin();
  for (const ValueId x : step.states) *next++ = Tensor::shape_only(step.graph.spec(x));
  for (const ValueId y : step.outputs) {
    const Spec& spec = step.graph.spec(y);
    *next++ = Tensor::shape_only(spec.with_shape(with_time(scan.rows->time(), spec.shape)));
  }
  for (const ValueId y : step.sums) *next++ = Tensor::shape_only(step.graph.spec(y));
}

// What the backward scan may read: everything that went in but the initial states, and the outputs
// that were kept for it.
void keep(const void* op, std::span<const Tensor* const> inputs, std::span<const Tensor> outputs,
          std::vector<const Tensor*>& kept) {
  const Scan& scan = scan_of(op);
  const Step& step = scan.step();
  const std::size_t given = step.invariants.size() + step.inputs.size();
  kept.assign(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(given));
  for (const int i : scan.recurrence->kept()) {
    kept.push_back(&outputs[step.states.size() + static_cast<std::size_t>(i)]);
  }
}

// One rewind of a scan.
class Rewind {
 public:
  explicit Rewind(Frame& frame)
      : frame_(frame), scan_(scan_of(frame.op)), step_(scan_.step()), planned_(plan()) {}

  void run() {
    const ScanResults results = apply_scan(planned_->recurrence, scan_.rows, !scan_.reverse,
                                           scan_.draws, tensors(planned_->wiring.invariants),
                                           tensors(planned_->wiring.inputs), last_gradients());
    const auto set = [&](std::size_t position, const Tensor& dx) {
      if (frame_.wanted(static_cast<int>(position))) frame_.joint[position] = dx;
    };
    const Backward& wiring = planned_->wiring;
    const std::size_t inputs = step_.invariants.size(), states = inputs + step_.inputs.size();
    for (std::size_t i = 0; i < wiring.sums.size(); i++) {
      set(static_cast<std::size_t>(wiring.sums[i]), results.sums[i]);
    }
    for (std::size_t i = 0; i < wiring.outputs.size(); i++) {
      set(inputs + static_cast<std::size_t>(wiring.outputs[i]), results.outputs[i]);
    }
    for (std::size_t i = 0; i < wiring.states.size(); i++) {
      set(states + static_cast<std::size_t>(wiring.states[i]), results.last[i]);
    }
  }

 private:
  const Tensor& last(std::size_t i) const { return frame_.dy[i]; }
  const Tensor& output(std::size_t i) const { return frame_.dy[step_.states.size() + i]; }
  const Tensor& sum(std::size_t i) const {
    return frame_.dy[step_.states.size() + step_.outputs.size() + i];
  }

  std::shared_ptr<const PlannedBackward> plan() const {
    Wanted wanted;
    int position = 0;
    for (std::size_t i = 0; i < step_.invariants.size(); i++) {
      wanted.invariants.push_back(frame_.wanted(position++));
    }
    for (std::size_t i = 0; i < step_.inputs.size(); i++) {
      wanted.inputs.push_back(frame_.wanted(position++));
    }
    for (std::size_t i = 0; i < step_.outputs.size(); i++) {
      wanted.outputs.push_back(output(i).defined());
    }
    for (std::size_t i = 0; i < step_.sums.size(); i++) wanted.sums.push_back(sum(i).defined());
    return scan_.recurrence->backward(wanted, Tape::current() != nullptr);
  }

  Tensors tensors(const std::vector<Source>& sources) const {
    const auto& kept = scan_.recurrence->kept();
    Tensors result;
    for (const Source& source : sources) {
      const auto index = static_cast<std::size_t>(source.index);
      switch (source.kind) {
        case Source::invariant:
          result.push_back(frame_.kept[index]);
          break;
        case Source::input:
          result.push_back(frame_.kept[step_.invariants.size() + index]);
          break;
        case Source::output: {
          const auto found = std::find(kept.begin(), kept.end(), source.index) - kept.begin();
          result.push_back(frame_.kept[step_.invariants.size() + step_.inputs.size() +
                                       static_cast<std::size_t>(found)]);
          break;
        }
        case Source::output_gradient:
          result.push_back(output(index));
          break;
        case Source::sum_gradient:
          result.push_back(sum(index));
          break;
        case Source::constant:
          result.push_back(planned_->wiring.constants[index]);
          break;
      }
    }
    return result;
  }

  Tensors last_gradients() const {
    Tensors result;
    for (const int k : planned_->wiring.states) {
      const Tensor& dy = last(static_cast<std::size_t>(k));
      const Spec& spec = step_.graph.spec(step_.states[static_cast<std::size_t>(k)]);
      result.push_back(dy.defined() ? dy : zeros(spec.shape, spec.dtype));
    }
    return result;
  }

  Frame& frame_;
  const Scan& scan_;
  const Step& step_;
  const std::shared_ptr<const PlannedBackward> planned_;
};

void describe(void* rules) {
  auto& set = *static_cast<RuleSet*>(rules);
  set.missing = false;
  set.keep = keep;
  set.joint = [](Frame& frame) { Rewind(frame).run(); };
}

constinit const OpType scan_type{
    .name = "scan",
    .size = sizeof(Scan),
    .traits = {},
    .execute = execute,
    .infer = infer,
    .copy = [](void* to, const void* from) { new (to) Scan(scan_of(from)); },
    .destroy = [](void* op) { std::destroy_at(static_cast<Scan*>(op)); },
    .equal =
        [](const void* op, const void* other) {
          const Scan &a = scan_of(op), &b = scan_of(other);
          return a.recurrence == b.recurrence && *a.rows == *b.rows && a.reverse == b.reverse &&
                 a.draws == b.draws;
        },
    .attributes =
        [](const void* op) {
          const Scan& scan = scan_of(op);
          return fmt::format("{} steps{}", scan.rows->time(), scan.reverse ? ", reversed" : "");
        },
    .describe = describe,
};

}  // namespace

ScanResults apply_scan(std::shared_ptr<const Recurrence> recurrence,
                       std::shared_ptr<const RowSchedule> rows, bool reverse, const Draws& draws,
                       const Tensors& invariants, const Tensors& inputs, const Tensors& initial) {
  const Prelude& prelude = recurrence->prelude();
  const Step& step = recurrence->step();
  const Tensors before = replay(prelude.graph, invariants);
  std::vector<const Tensor*> all;
  for (const ValueId y : prelude.results) all.push_back(&before[static_cast<std::size_t>(y)]);
  for (const Tensor& x : inputs) all.push_back(&x);
  for (const Tensor& x : initial) all.push_back(&x);

  Tensors outputs(step.states.size() + step.outputs.size() + step.sums.size());
  const std::size_t own = recurrence->own_outputs();
  const Scan scan{std::move(recurrence), std::move(rows), reverse, draws};
  Call call{scan_type, &scan, all, outputs};
  Interpreter::dispatch(call);

  ScanResults results;
  auto next = std::make_move_iterator(outputs.begin());
  results.last.assign(next, next + std::ssize(step.states));
  next += std::ssize(step.states);
  results.outputs.assign(next, next + static_cast<std::ptrdiff_t>(own));
  next += std::ssize(step.outputs);
  results.sums.assign(next, next + std::ssize(step.sums));
  return results;
}

}  // namespace rw::engine
