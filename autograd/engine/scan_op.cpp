// Inputs of the operation are invariants, inputs and initial states, and then what the step as it
// was written captured: nothing flows back there but the terms of single uses. Outputs are last
// states, outputs, sums.
#include "rewind/autograd/engine/scan_op.h"

#include <algorithm>

#include "rewind/autograd/engine/rewind.h"
#include "rewind/autograd/engine/step/replay.h"
#include "rewind/autograd/engine/uses.h"
#include "rewind/autograd/frame.h"
#include "rewind/autograd/loop.h"
#include "rewind/autograd/tape.h"

namespace rw::engine {
namespace {

using Tensors = std::vector<Tensor>;

struct ScanOp {
  Scan scan;
  int records;  // of the prelude

  const Step& step() const { return scan.recurrence->step(); }
};

const ScanOp& op_of(const void* op) { return *static_cast<const ScanOp*>(op); }

// The next `count` tensors of a list.
template <class Iterator>
Tensors taken(Iterator& next, std::size_t count) {
  const auto first = next;
  next += static_cast<std::ptrdiff_t>(count);
  return Tensors(first, next);
}

// Takes what is donated, so that its memory is free as soon as the loop has read it.
LoopInputs loop_inputs(const ScanOp& op, std::span<const Tensor* const> inputs,
                       std::uint64_t donated) {
  const Step& step = op.step();
  LoopInputs in{*op.scan.rows, op.scan.reverse, op.scan.draws, {}, {}, {}, {}};
  std::size_t next = 0;
  const auto is_given = [&](std::size_t i) { return i < 64 && (donated >> i & 1); };
  const auto take = [&](std::size_t count) {
    Tensors result;
    result.reserve(count);
    for (const std::size_t end = next + count; next < end; next++) {
      if (is_given(next)) {  // not by ?:, which copies with one of the compilers
        result.push_back(std::move(const_cast<Tensor&>(*inputs[next])));
      } else {
        result.push_back(*inputs[next]);
      }
    }
    return result;
  };
  in.invariants = take(step.invariants.size());
  scan_internal::require_numbers("scan", "a captured tensor", in.invariants);
  for (std::size_t i = 0; i < step.inputs.size(); i++) in.given.push_back(is_given(next + i));
  in.inputs = take(step.inputs.size());
  scan_internal::require_numbers("scan", "an input", in.inputs);
  in.initial = take(step.states.size());
  scan_internal::require_numbers("scan", "a state", in.initial);
  return in;
}

void execute(const void* op, std::span<const Tensor* const> inputs, std::span<Tensor> outputs,
             std::uint64_t donated) {
  const ScanOp& scan = op_of(op);
  ScanResults results = run(scan.scan.recurrence->program(), loop_inputs(scan, inputs, donated));
  auto next = outputs.begin();
  for (Tensors* part : {&results.last, &results.outputs, &results.sums}) {
    for (Tensor& x : *part) *next++ = std::move(x);
  }
}

void infer(const void* op, std::span<const Tensor* const>, std::span<Tensor> outputs) {
  const Step& step = op_of(op).step();
  auto next = outputs.begin();
  for (const ValueId x : step.states) *next++ = Tensor::shape_only(step.graph.spec(x));
  for (const ValueId y : step.outputs) {
    const Spec& spec = step.graph.spec(y);
    const Dims shape = spec.shape.with_front(op_of(op).scan.rows->time());
    *next++ = Tensor::shape_only(spec.with_shape(shape));
  }
  for (const ValueId y : step.sums) *next++ = Tensor::shape_only(step.graph.spec(y));
}

void fill(const void* op, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  Tensors made(outputs.size());
  execute(op, inputs, made, 0);
  for (std::size_t i = 0; i < made.size(); i++) copy_elements(made[i], outputs[i]);
}

// Whether the scan may have to run again, from its initial states.
bool may_run_again(const Scan& scan) { return scan.again || scan.written; }

// What the backward scan may read: everything that went in, but the initial states only to run
// again, and the outputs that were kept for it.
void keep(const void* op, std::span<const Tensor* const> inputs, std::span<const Tensor> outputs,
          std::vector<const Tensor*>& kept) {
  const ScanOp& scan = op_of(op);
  const Step& step = scan.step();
  const std::size_t given =
      may_run_again(scan.scan) ? inputs.size() : step.invariants.size() + step.inputs.size();
  kept.assign(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(given));
  for (const int i : scan.scan.recurrence->kept()) {
    kept.push_back(&outputs[step.states.size() + at(i)]);
  }
}

template <class F>
std::vector<bool> asked(std::size_t first, std::size_t count, F is_asked) {
  std::vector<bool> result;
  result.reserve(count);
  for (std::size_t i = first; i < first + count; i++) {
    result.push_back(is_asked(static_cast<int>(i)));
  }
  return result;
}

// The terms of captured tensors of which they are asked for, which stand behind all other inputs.
void give_terms(Frame& frame, const PreparedInputs& took, const ScanResults& arriving) {
  const std::size_t first = frame.edges.size() - took.captured.size();
  const std::vector<bool> split =
      asked(first, took.captured.size(), [&](int i) { return frame.per_use(i); });
  if (std::find(split.begin(), split.end(), true) == split.end()) return;
  const ScanInputs in{took.captured, took.in.inputs, took.in.initial};
  for (Term& term : terms_of_uses(op_of(frame.op).scan, in, arriving, split)) {
    frame.terms->push_back({static_cast<int>(first + term.invariant), std::move(term.values)});
  }
}

void rewind(Frame& frame) {
  Scan scan = op_of(frame.op).scan;
  const Step& step = op_of(frame.op).step();
  const std::size_t invariants = step.invariants.size(), inputs = step.inputs.size();
  const std::size_t states = step.states.size();
  auto next = frame.kept;
  PreparedInputs took;
  took.in = {taken(next, invariants), taken(next, inputs), {}};
  if (may_run_again(scan)) took.in.initial = taken(next, states);
  if (scan.written) took.captured = taken(next, frame.edges.size() - invariants - inputs - states);
  Kept kept{took.in.invariants, took.in.inputs, taken(next, scan.recurrence->kept().size())};
  if (frame.last) std::fill(frame.kept, next, Tensor());  // so that nobody else holds them
  const Tensor* arrived = frame.dy;
  ScanResults arriving{taken(arrived, states), taken(arrived, step.outputs.size()),
                       taken(arrived, step.sums.size())};

  give_terms(frame, took, arriving);
  if (scan.again) {
    scan = {scan.again, scan.rows, scan.reverse, scan.draws};
    kept.outputs = apply_prepared(scan, took).kept;
    arriving.outputs.resize(scan.recurrence->step().outputs.size());
  }
  const auto wanted = [&](int i) { return frame.wanted(i); };
  const ScanGradients gradients =
      rewind_scan(scan, std::move(kept), arriving, asked(0, invariants, wanted),
                  asked(invariants, inputs, wanted));
  std::size_t position = 0;
  for (const Tensors* part : {&gradients.invariants, &gradients.inputs, &gradients.initial}) {
    for (const Tensor& dx : *part) frame.joint[position++] = dx;
  }
}

void describe(void* rules) {
  auto& set = *static_cast<RuleSet*>(rules);
  set.missing = false;
  set.keep = keep;
  set.joint = rewind;
  set.uses = [](const void* op) {
    const ScanOp& scan = op_of(op);
    return RuleSet::Uses{static_cast<int>(scan.step().invariants.size()), scan.records,
                         scan.scan.written != nullptr};
  };
}

constinit const OpType scan_type{
    .name = "scan",
    .size = sizeof(ScanOp),
    .traits = {},
    .execute = execute,
    .infer = infer,
    .fill = fill,
    .copy = [](void* to, const void* from) { new (to) ScanOp(op_of(from)); },
    .destroy = [](void* op) { std::destroy_at(static_cast<ScanOp*>(op)); },
    .equal =
        [](const void* op, const void* other) {
          const Scan &a = op_of(op).scan, &b = op_of(other).scan;
          return a.recurrence == b.recurrence && *a.rows == *b.rows && a.reverse == b.reverse &&
                 a.draws == b.draws && a.again == b.again && a.written == b.written;
        },
    .attributes =
        [](const void* op) {
          const Scan& scan = op_of(op).scan;
          return fmt::format("{} steps{}", scan.rows->time(), scan.reverse ? ", reversed" : "");
        },
    .describe = describe,
};

// Operations on the tape that records now.
std::size_t recorded() {
  const Tape* tape = TracingScope::any() ? nullptr : Tape::current();
  return tape ? tape->size() : 0;
}

}  // namespace

bool is_scan(const Operation& operation) { return &operation.type() == &scan_type; }

PreparedInputs prepare(const Recurrence& recurrence, ScanInputs in) {
  const Prelude& prelude = recurrence.prelude();
  const std::size_t before = recorded();
  const Tensors values = replay(prelude.graph, in.invariants);
  PreparedInputs prepared;
  prepared.records = static_cast<int>(recorded() - before);
  prepared.captured = std::move(in.invariants);
  in.invariants.clear();
  for (const ValueId y : prelude.results) {
    in.invariants.push_back(values[at(y)]);
  }
  prepared.in = std::move(in);
  return prepared;
}

KeptResults apply_prepared(const Scan& scan, PreparedInputs prepared) {
  const Step& step = scan.recurrence->step();
  std::vector<const Tensor*> all;
  all.reserve(prepared.in.invariants.size() + prepared.in.inputs.size() +
              prepared.in.initial.size() + prepared.captured.size());
  const auto add = [&](const Tensors& tensors) {
    for (const Tensor& x : tensors) all.push_back(&x);
  };
  add(prepared.in.invariants);
  add(prepared.in.inputs);
  add(prepared.in.initial);
  if (scan.written) add(prepared.captured);

  Tensors outputs(step.states.size() + step.outputs.size() + step.sums.size());
  const ScanOp op{scan, prepared.records};
  Call call{scan_type, &op, all, outputs};
  const std::size_t first = step.invariants.size(), end = first + step.inputs.size();
  for (std::size_t i = first; i < std::min<std::size_t>(end, 64); i++) {
    call.donated |= std::uint64_t{1} << i;
  }
  Interpreter::dispatch(call);

  KeptResults ran;
  for (const int i : scan.recurrence->kept()) {
    ran.kept.push_back(outputs[step.states.size() + at(i)]);
  }
  auto next = std::make_move_iterator(outputs.begin());
  ran.results.last = taken(next, step.states.size());
  ran.results.outputs = taken(next, step.outputs.size());
  ran.results.outputs.resize(scan.recurrence->own_outputs());
  ran.results.sums = taken(next, step.sums.size());
  return ran;
}

ScanResults apply_scan(const Scan& scan, ScanInputs in) {
  return apply_prepared(scan, prepare(*scan.recurrence, std::move(in))).results;
}

}  // namespace rw::engine
