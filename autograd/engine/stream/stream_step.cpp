#include "rewind/autograd/engine/stream/stream_step.h"

#include <algorithm>
#include <cstring>

#include "rewind/autograd/engine/compile/rows_apart.h"
#include "rewind/autograd/engine/step/facts.h"
#include "rewind/autograd/engine/step/replay.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/random.h"

namespace rw::engine {
namespace {

LoopInputs single_step_inputs(const Recurrence& recurrence, const std::vector<Tensor>& captured) {
  const Step& step = recurrence.step();
  LoopInputs inputs{RowSchedule(1, recurrence.batch()), false, {}, {}, {}, {}};
  const std::vector<Tensor> before = replay(recurrence.prelude().graph, captured);
  for (const ValueId y : recurrence.prelude().results) inputs.invariants.push_back(before[at(y)]);
  const auto fresh = [&](ValueId value) {
    const Spec& spec = step.graph.spec(value);
    return zeros(spec.shape, spec.dtype);
  };
  for (const ValueId x : step.inputs) inputs.inputs.push_back(fresh(x));
  for (const ValueId x : step.states) inputs.initial.push_back(fresh(x));
  return inputs;
}

Lifted lifted_inputs(const Program& program, const LoopInputs& inputs) {
  const Step& step = program.step;
  Lifted lifted(program, program.rows.batch);
  for (std::size_t i = 0; i < step.invariants.size(); i++) {
    lifted.set_invariant(step.invariants[i], inputs.invariants[i]);
  }
  for (std::size_t i = 0; i < step.inputs.size(); i++) {
    lifted.set(step.inputs[i], inputs.inputs[i]);
  }
  return lifted;
}

}  // namespace

StreamStep::StreamStep(std::shared_ptr<const Recurrence> recurrence,
                       const std::vector<Tensor>& captured, Index draws)
    : recurrence_(std::move(recurrence)),
      draws_(draws),
      inputs_(single_step_inputs(*recurrence_, captured)),
      lifted_(lifted_inputs(program(), inputs_)),
      memory_(program(), inputs_, lifted_, {{0, 1}}) {
  memory_.enter({0, 1});
  for (const ValueId w : program().packed) packed_.push_back(lifted_.packed_form(w));
  memory_.keep_made();  // before anything is bound to it
  for (const Instruction& instruction : program().loop) {
    std::visit([&](const auto& i) { bind(i); }, instruction);
  }
  for (std::size_t k = 0; k < program().states.size(); k++) {
    const Place to = *program().place(program().step.states[k]);
    states_.push_back(copy(program().states[k].next, to, buffer(to).width));
  }
  for (const ValueId y : program().step.outputs) outputs_.push_back(output(y));
}

std::byte* StreamStep::state(std::size_t state) const { return states_[state].to; }

// ---- binding

RowCopy StreamStep::copy(Place from, Place to, Index columns) const {
  const Index item = bytes_of(buffer(to).dtype);
  return {.from = memory_.address(from, 0, 0),
          .to = memory_.address(to, 0, 0),
          .from_step = memory_.row_step(from.buffer, columns) * item,
          .to_step = memory_.row_step(to.buffer) * item,
          .bytes = columns * item,
          .rows = buffer(to).rows ? batch() : 1};
}

RowCopy StreamStep::output(ValueId value) const {
  const Place from = *program().place(value);
  const Spec& spec = program().step.graph.spec(value);
  const Index rows = buffer(from).rows ? batch() : 1;
  const Index item = bytes_of(spec.dtype), row = spec.shape.count() / rows * item;
  return {.from = memory_.address(from, 0, 0),
          .to = nullptr,
          .from_step = memory_.row_step(from.buffer) * item,
          .to_step = row,
          .bytes = row,
          .rows = rows};
}

void StreamStep::bind(const ProductInstruction& i) {
  buffer(i.c.place).dtype == float32 ? bind_product<float>(i) : bind_product<double>(i);
}
template <class T>
void StreamStep::bind_product(const ProductInstruction& i) {
  loop_.push_back(kernels::PackedProduct<T>{
      .rows = batch(),
      .n = i.n,
      .k = i.k,
      .a = reinterpret_cast<const T*>(memory_.address(i.a.place, 0, 0)),
      .a_stride = memory_.row_step(i.a.place.buffer),
      .packed = packed_[at(i.packed)].data<T>(),
      .c = reinterpret_cast<T*>(memory_.address(i.c.place, 0, 0)),
      .c_stride = memory_.row_step(i.c.place.buffer),
      .add = i.add,
  });
}

void StreamStep::bind(const ElementInstruction& i) {
  i.dtype == float32 ? bind_elements<float>(i) : bind_elements<double>(i);
}
template <class T>
void StreamStep::bind_elements(const ElementInstruction& i) {
  std::vector<kernels::ElementOperand<T>> operands;
  for (const Operand& o : i.operands) {
    operands.push_back({reinterpret_cast<T*>(memory_.address(o.place, 0, 0)),
                        o.by_row ? memory_.row_step(o.place.buffer) : 0, o.by_column ? 1 : 0});
  }
  loop_.push_back(Elements<T>{{i.program, operands, batch(), i.columns}, batch()});
}

void StreamStep::bind(const CopyInstruction& i) { loop_.push_back(copy(i.from, i.to, i.columns)); }

void StreamStep::bind(const OrdinaryInstruction& i) {
  const Graph::Node& node = program().step.graph.nodes()[at(i.node)];
  if (i.packed >= 0) {
    loop_.push_back(rows_by_packed(node, packed_[at(i.packed)]));
    return;
  }
  Ordinary by_kernel = ordinary(node);
  if (std::optional<Gather> view = view_of(by_kernel)) {
    loop_.push_back(std::move(*view));
  } else if (looks_up(by_kernel)) {
    loop_.push_back(look_up(std::move(by_kernel)));
  } else {
    loop_.push_back(std::move(by_kernel));
  }
}

Tensor StreamStep::taken(ValueId x) {
  const Tensor view = memory_.view_at(x, 0, {0, batch()}), tensor = value(x);
  return tensor.shares_storage_with(view) ? tensor : gathered(view, tensor.shape());
}

Tensor StreamStep::gathered(const Tensor& view, const Dims& shape) {
  const Tensor to = Tensor::uninitialized(view.spec());
  loop_.push_back(Gather{view, to});
  return to.view(shape, contiguous_strides(shape), 0);
}

StreamStep::Ordinary StreamStep::ordinary(const Graph::Node& node) {
  Ordinary result{&node, &kernel_of(program(), node), {}, {}, {}, {}};
  for (const ValueId x : node.inputs) result.inputs.push_back(taken(x));
  for (const Tensor& x : result.inputs) result.arguments.push_back(&x);
  for (ValueId y = node.first; y < node.first + node.results; y++) {
    result.outputs.push_back(Tensor::uninitialized(program().step.graph.spec(y)));
    result.results.push_back(value(y));
  }
  return result;
}

StreamStep::RowsByPacked StreamStep::rows_by_packed(const Graph::Node& node, const Tensor& packed) {
  const auto as_rows = [](const Tensor& x) {
    const Index columns = x.shape().back();
    return x.view({x.shape().without(x.rank() - 1).count(), columns}, {columns, 1}, 0);
  };
  Tensor a = taken(node.inputs[0]);
  if (!a.contiguous()) a = gathered(a, a.shape());
  return {as_rows(a), packed, as_rows(value(node.first))};
}

// The arrangement is that of the memory, at all steps.
std::optional<StreamStep::Gather> StreamStep::view_of(const Ordinary& ordinary) {
  const Operation& operation = *ordinary.kernel;
  if (!is_view(operation)) return {};
  Tensor view;
  execute(operation, ordinary.arguments, {&view, 1});
  if (!view.shares_storage_with(ordinary.inputs[0])) return {};
  return Gather{view, ordinary.results[0]};
}

// Where all of it lies row after row.
bool StreamStep::looks_up(const Ordinary& ordinary) const {
  const Graph::Node& node = *ordinary.node;
  return node.operation.is<Take>() && lifted_.is_constant(node.inputs[0]) &&
         ordinary.inputs[0].contiguous() && ordinary.inputs[1].contiguous() &&
         ordinary.results[0].contiguous();
}

StreamStep::LookUp StreamStep::look_up(Ordinary ordinary) {
  Tensor &table = ordinary.inputs[0], &rows = ordinary.inputs[1], &y = ordinary.results[0];
  const Index row = table.shape().without(0).count() * bytes_of(table.dtype());
  return {OutputAccess::bytes(table), table.dim(0), static_cast<std::size_t>(row),
          rows.data<Index>(),         rows.size(),  OutputAccess::bytes(y),
          std::move(ordinary)};
}

// ---- running

void StreamStep::run(std::span<const std::byte* const> in, std::span<std::byte* const> out) {
  for (std::size_t i = 0; i < in.size(); i++) {
    Tensor& x = inputs_.inputs[i];
    const auto bytes = static_cast<std::size_t>(x.size() * bytes_of(x.dtype()));
    if (bytes > 0) std::memcpy(OutputAccess::bytes(x), in[i], bytes);
  }
  for (Bound& bound : loop_) {
    std::visit([&](auto& b) { run_one(b); }, bound);
  }
  for (std::size_t i = 0; i < out.size(); i++) {
    RowCopy y = outputs_[i];  // before the states: it may be one that the step began with
    y.to = out[i];
    y.run();
  }
  for (const RowCopy& state : states_) state.run();
  if (draws_ > 0) {
    const Rng now = Random::state();
    Random::set_state(Rng(now.seed(), now.draw() + static_cast<std::uint64_t>(draws_)));
  }
}

void StreamStep::run_one(LookUp& l) {
  const std::span rows(l.rows, static_cast<std::size_t>(l.count));
  const auto is_one = [&](Index row) { return row >= 0 && row < l.table_rows; };
  if (!std::ranges::all_of(rows, is_one)) return run_one(l.otherwise);
  std::byte* to = l.to;
  for (const Index row : rows) {
    if (l.bytes > 0) std::memcpy(to, l.table + static_cast<std::size_t>(row) * l.bytes, l.bytes);
    to += l.bytes;
  }
}

void StreamStep::run_one(Ordinary& ordinary) {
  const Operation& operation = *ordinary.kernel;
  for (Tensor& y : ordinary.outputs) {
    // An operation of a user may have put another tensor there at the step before.
    if (!y.unique() || !y.contiguous()) y = Tensor::uninitialized(y.spec());
  }
  if (is_random(operation)) {
    const Rng now = Random::state();
    const kernels::PhiloxStream draw = draw_of(operation);
    fill_with_draw(operation, {now.seed(), now.draw() + draw.draw}, ordinary.arguments,
                   ordinary.outputs);
  } else {
    operation.type().fill(operation.op(), ordinary.arguments, ordinary.outputs);
  }
  for (std::size_t i = 0; i < ordinary.outputs.size(); i++) {
    copy_elements(ordinary.outputs[i], ordinary.results[i]);
  }
}

}  // namespace rw::engine
