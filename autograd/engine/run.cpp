// The loop. All memory is taken before it begins; a step then goes from instruction to instruction
// and only moves pointers. Where all instructions keep rows apart, each worker takes some rows
// through all steps by itself: nothing is waited for, and a row's bits are those that it has alone.
#include "rewind/autograd/engine/run.h"

#include <algorithm>
#include <cstring>

#include "rewind/autograd/engine/facts.h"
#include "rewind/autograd/engine/lifted.h"
#include "rewind/autograd/engine/packed.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/float_mode.h"
#include "rewind/tensor/kernels/packed_product.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

Dims with_time(Index time, const Dims& shape) {
  Dims result{time};
  for (const Index size : shape) result.push_back(size);
  return result;
}

// A buffer in memory. From one row to the next there are `row` elements; what holds all steps
// begins at their first row, or, without rows, `step` elements after the step before.
struct Bound {
  Tensor tensor;
  std::byte* data = nullptr;
  Index row = 0, step = 0;
  bool all_steps = false;
  Index item = 0;  // bytes of an element
};

// Whether a tensor's rows are consecutive numbers, wherever the rows lie.
bool has_contiguous_rows(const Tensor& x) {
  const Strides strides = x.strides();
  Index expected = 1;
  for (int axis = x.rank() - 1; axis > 0; axis--) {
    if (x.shape()[axis] != 1 && strides[at(axis)] != expected) return false;
    expected *= x.shape()[axis];
  }
  return true;
}

struct RowRange {
  Index begin, end;
  Index count() const { return end - begin; }
};

class Loop {
 public:
  Loop(const Program& program, const LoopInputs& in)
      : program_(program),
        in_(in),
        batch_(program.rows.batch),
        lifted_(program.step, program.rows, in.rows.total()) {
    const Step& step = program.step;
    for (std::size_t i = 0; i < step.invariants.size(); i++) {
      const int axis = program.rows.axis_of(step.invariants[i]);
      const Tensor& x = in.invariants[i];
      lifted_.set_invariant(step.invariants[i], axis == Rows::kNone ? x : in.rows.sorted(x, axis));
    }
    for (std::size_t i = 0; i < step.inputs.size(); i++) {
      lifted_.set(step.inputs[i], rows_together(in.inputs[i], step.input_rows[i]));
    }
    for (const Buffer& buffer : program.buffers) bind(buffer);
    for (const ValueId w : program.packed) packed_.push_back(packed(lifted_.constant(w)));
    for (const int s : program.fates.accumulated) {
      accumulated_.push_back(zeros(spec(step.sums[at(s)]).shape, spec(step.sums[at(s)]).dtype));
    }
  }

  LoopResults run() {
    if (program_.rows_apart) {
      parallel_for(batch_, rows_of_a_worker(), [&](Index begin, Index end) {
        run_rows({begin, end});
      });
    } else {
      run_rows({0, batch_});
    }
    return results();
  }

 private:
  const Spec& spec(ValueId value) const { return program_.step.graph.spec(value); }
  Index time() const { return in_.rows.time(); }

  // [time, ...] with rows along `axis` of a step -> the rows of all steps along that axis. Without
  // rows it stays as it is.
  Tensor rows_together(const Tensor& x, int axis) const {
    if (axis == Rows::kNone) return x;
    Dims order, shape;
    for (int i = 1; i < x.rank(); i++) {
      if (i == axis + 1) order.push_back(0);
      order.push_back(i);
      shape.push_back(i == axis + 1 ? time() * x.shape()[i] : x.shape()[i]);
    }
    return counting_rows(reshape(permute(x, order), shape), axis);
  }
  // Those entries along an axis, of all steps, that belong to rows which count.
  Tensor counting_rows(const Tensor& x, int axis) const {
    if (in_.rows.whole()) return x;
    const Tensor first = transpose(x, 0, axis);
    Dims parted{time() * batch_, first.dim(0) / (time() * batch_)};
    for (int i = 1; i < first.rank(); i++) parted.push_back(first.shape()[i]);
    const Tensor kept = in_.rows.packed(reshape(first, parted));
    return transpose(reshape(kept, first.shape().with(0, in_.rows.total() * parted[1])), 0, axis);
  }
  // A buffer of a value that has no rows along its first axis holds each step's numbers as they
  // are.
  Tensor step_by_step(const Buffer& buffer) {
    const auto& inputs = program_.step.inputs;
    const auto i = std::find(inputs.begin(), inputs.end(), buffer.value) - inputs.begin();
    return contiguous(in_.inputs[static_cast<std::size_t>(i)]);
  }

  void bind(const Buffer& buffer) {
    Bound bound;
    bound.item = bytes_of(buffer.dtype);
    const Index rows = buffer.rows ? batch_ : 1;
    switch (buffer.kind) {
      case Buffer::input:
      case Buffer::before:
        bound.tensor = buffer.rows ? lifted_.get(buffer.value) : step_by_step(buffer);
        if (!has_contiguous_rows(bound.tensor)) bound.tensor = contiguous(bound.tensor);
        bound.row = buffer.rows ? bound.tensor.strides()[0] : 0;
        bound.step = buffer.width;
        bound.all_steps = true;
        break;
      case Buffer::constant:
        bound.tensor = constant(buffer);
        bound.row = buffer.rows ? bound.tensor.strides()[0] : 0;
        break;
      case Buffer::state:
        bound.tensor = Tensor::uninitialized({{rows, buffer.width}, buffer.dtype});
        set_initial(buffer, bound.tensor);
        bound.row = buffer.width;
        break;
      case Buffer::stack:
        bound.tensor = Tensor::uninitialized(
            {{buffer.rows ? in_.rows.total() : time(), buffer.width}, buffer.dtype});
        bound.row = buffer.rows ? buffer.width : 0;
        bound.step = buffer.width;
        bound.all_steps = true;
        break;
      case Buffer::local:
        bound.tensor = Tensor::uninitialized({{rows, buffer.width}, buffer.dtype});
        bound.row = buffer.rows ? buffer.width : 0;
        break;
      case Buffer::made:
        bound.row = buffer.rows ? buffer.width : 0;
        break;
    }
    if (bound.tensor.defined()) bound.data = OutputAccess::bytes(bound.tensor);
    bound_.push_back(std::move(bound));
  }

  // The same at every step, for the rows of one.
  Tensor constant(const Buffer& buffer) {
    const Tensor& x = lifted_.constant(buffer.value);
    const bool fits = buffer.rows ? has_contiguous_rows(x) : x.contiguous();
    return fits ? x : contiguous(x);
  }

  void set_initial(const Buffer& buffer, Tensor& state) const {
    const auto& states = program_.step.states;
    const auto k = std::find(states.begin(), states.end(), buffer.value) - states.begin();
    const Tensor from = contiguous(in_.rows.sorted(in_.initial[static_cast<std::size_t>(k)], 0));
    Tensor bytes = from;
    std::memcpy(OutputAccess::bytes(state), OutputAccess::bytes(bytes),
                static_cast<std::size_t>(from.size() * bytes_of(buffer.dtype)));
  }

  Index rows_of_a_worker() const {
    Index work = 0;  // multiply-adds of a row at a step
    for (const Instruction& instruction : program_.loop) {
      if (const auto* product = std::get_if<ProductInstruction>(&instruction)) {
        work += product->k * product->n;
      }
    }
    constexpr Index kLeastRows = 8, kLeastWork = 50000;
    const Index each = std::max<Index>((batch_ + thread_count() - 1) / thread_count(), 1);
    const bool pays = each >= kLeastRows && each * work >= kLeastWork;
    return pays ? each : std::max<Index>(batch_, 1);
  }

  // ---- one step

  void run_rows(RowRange rows) {
    const FlushDenormals flush;
    for (Index k = 0; k < time(); k++) {
      const Index t = in_.reverse ? time() - 1 - k : k;
      const RowRange active{rows.begin, std::min(rows.end, in_.rows.rows_at(t))};
      if (active.begin >= active.end) continue;
      for (const Instruction& instruction : program_.loop) {
        std::visit([&](const auto& i) { run_one(i, t, active); }, instruction);
      }
      accumulate(t);
      update_states(t, active);
    }
  }

  std::byte* address(Place place, Index t, Index row) const {
    const Bound& b = bound_[at(place.buffer)];
    return b.data + (first(place.buffer, t) + row * b.row + place.column) * b.item;
  }
  // Where the numbers of a step begin, in elements.
  Index first(int buffer, Index t) const {
    const Bound& b = bound_[at(buffer)];
    if (!b.all_steps) return 0;
    return program_.buffers[at(buffer)].rows ? in_.rows.first_row(t) * b.row : t * b.step;
  }

  void run_one(const ProductInstruction& i, Index t, RowRange rows) {
    const Bound &a = bound_[at(i.a.place.buffer)], &c = bound_[at(i.c.place.buffer)];
    const auto multiply = [&](auto v) {
      using T = decltype(v);
      kernels::multiply(kernels::PackedProduct<T>{
          .rows = rows.count(),
          .n = i.n,
          .k = i.k,
          .a = reinterpret_cast<const T*>(address(i.a.place, t, rows.begin)),
          .a_stride = a.row,
          .packed = packed_[at(i.packed)].template data<T>(),
          .c = reinterpret_cast<T*>(address(i.c.place, t, rows.begin)),
          .c_stride = c.row,
          .add = i.add,
      });
    };
    c.item == sizeof(float) ? multiply(float{}) : multiply(double{});
  }

  void run_one(const ElementInstruction& i, Index t, RowRange rows) {
    i.dtype == float32 ? run_elements<float>(i, t, rows) : run_elements<double>(i, t, rows);
  }
  template <class T>
  void run_elements(const ElementInstruction& i, Index t, RowRange rows) {
    thread_local std::vector<kernels::ElementOperand<T>> operands;
    operands.clear();
    for (const Operand& o : i.operands) {
      const Bound& b = bound_[at(o.place.buffer)];
      operands.push_back({reinterpret_cast<T*>(address(o.place, t, o.by_row ? rows.begin : 0)),
                          o.by_row ? b.row : 0, o.by_column ? 1 : 0});
    }
    kernels::run(i.program, operands, rows.count(), i.columns);
  }

  void run_one(const CopyInstruction& i, Index t, RowRange rows) {
    copy_rows(i.from, i.to, i.columns, t, rows);
  }
  void copy_rows(Place from, Place to, Index columns, Index t, RowRange rows) {
    const Bound &source = bound_[at(from.buffer)], &target = bound_[at(to.buffer)];
    const auto bytes = static_cast<std::size_t>(columns * target.item);
    const bool by_row = program_.buffers[at(to.buffer)].rows;
    // Nothing may be known of the rows of what a state becomes, but then it lies row after row.
    const Index source_row = program_.buffers[at(from.buffer)].rows ? source.row : columns;
    if (!by_row || (source_row == columns && target.row == columns)) {
      const auto count = static_cast<std::size_t>(by_row ? rows.count() : 1);
      const Index first = by_row ? rows.begin : 0;
      std::memcpy(address(to, t, first), address(from, t, 0) + first * source_row * source.item,
                  bytes * count);
      return;
    }
    for (Index r = rows.begin; r < rows.end; r++) {
      std::memcpy(address(to, t, r), address(from, t, 0) + r * source_row * source.item, bytes);
    }
  }

  // A value of this step as a tensor.
  Tensor tensor_of(ValueId value, Index t) {
    const Place place = *program_.place(value);
    const Bound& b = bound_[at(place.buffer)];
    const Buffer& buffer = program_.buffers[at(place.buffer)];
    const Index rows = in_.rows.rows_at(t);
    if (buffer.kind == Buffer::made && buffer.value == value) return b.tensor;
    if (buffer.kind == Buffer::constant && buffer.value == value) {
      const int axis = program_.rows.axis_of(value);
      return axis == Rows::kNone ? b.tensor : slice(b.tensor, axis, 0, rows);
    }
    const Dims& shape = spec(value).shape;
    const Index offset = first(place.buffer, t) + place.column;
    if (buffer.rows) return rows_of_buffer(value, b, rows, offset);
    return b.tensor.view(shape, contiguous_strides(shape), offset);
  }

  // So many rows of the batch from a buffer, as entries along the first axis of a value.
  Tensor rows_of_buffer(ValueId value, const Bound& b, Index rows, Index offset) const {
    const Dims& shape = spec(value).shape;
    const Index each = program_.rows.each_of(value);
    Dims parted{rows, each};
    for (int i = 1; i < shape.rank(); i++) parted.push_back(shape[i]);
    Strides strides = contiguous_strides(parted);
    strides[0] = b.row;
    return reshape(b.tensor.view(parted, strides, offset), shape.with(0, rows * each));
  }

  void run_one(const OrdinaryInstruction& i, Index t, RowRange) {
    const Graph::Node& node = program_.step.graph.nodes()[at(i.node)];
    std::vector<Tensor> inputs(node.inputs.size());
    std::vector<const Tensor*> pointers;
    for (std::size_t k = 0; k < inputs.size(); k++) {
      inputs[k] = tensor_of(node.inputs[k], t);
      pointers.push_back(&inputs[k]);
    }
    std::vector<Tensor> outputs(at(node.results));
    const Index rows = in_.rows.rows_at(t);
    if (is_random(node.operation)) {
      draw(node, t, pointers, outputs);
    } else if (rows == batch_) {
      execute(node.operation, pointers, outputs);
    } else {
      execute(with_rows(node.operation, program_.rows, node.first, rows), pointers, outputs);
    }
    for (int k = 0; k < node.results; k++) {
      Bound& b = bound_[at(program_.place(node.first + k)->buffer)];
      b.tensor = contiguous(outputs[at(k)]);
      b.data = OutputAccess::bytes(b.tensor);
    }
  }

  // Numbers belong to the rows of the caller, also where some are left out.
  void draw(const Graph::Node& node, Index t, std::span<const Tensor* const> inputs,
            std::span<Tensor> outputs) {
    const Draws& draws = in_.draws;
    const Index k = draws.reverse ? in_.rows.busy_steps() - 1 - t : t;
    const std::uint64_t number =
        draws.first + static_cast<std::uint64_t>(k * draws.each) + draw_of(node.operation).draw;
    execute(with_draw(node.operation, {draws.seed, number}), inputs, outputs);
    const int axis = program_.rows.axis_of(node.first);
    if (axis == Rows::kNone || in_.rows.whole()) return;
    outputs[0] = slice(in_.rows.sorted(outputs[0], axis), axis, 0, in_.rows.rows_at(t));
  }

  void accumulate(Index t) {
    for (std::size_t s = 0; s < accumulated_.size(); s++) {
      const ValueId sum = program_.step.sums[at(program_.fates.accumulated[s])];
      const Tensor x = tensor_of(sum, t);
      const int axis = program_.rows.axis_of(sum);
      accumulated_[s] = axis == Rows::kNone ? std::move(accumulated_[s]) + x
                                            : slice_add(std::move(accumulated_[s]), x, axis, 0,
                                                        in_.rows.rows_at(t));
    }
  }

  void update_states(Index t, RowRange rows) {
    for (std::size_t k = 0; k < program_.step.states.size(); k++) {
      const std::optional<Place>& state = program_.place(program_.step.states[k]);
      if (!state) continue;
      const Index width = program_.buffers[at(state->buffer)].width;
      copy_rows(program_.next[k], *state, width, t, rows);
    }
  }

  // ---- results

  LoopResults results() {
    const Step& step = program_.step;
    LoopResults results;
    for (std::size_t k = 0; k < step.states.size(); k++) results.last.push_back(last(k));
    for (ValueId v = 0; v < step.graph.values(); v++) {
      if (program_.stacks[at(v)]) lifted_.set(v, stack_of(v));
    }
    for (const ValueId y : step.outputs) results.outputs.push_back(over_time(y));
    results.sums.resize(step.sums.size());
    for (std::size_t s = 0; s < accumulated_.size(); s++) {
      const int sum = program_.fates.accumulated[s];
      const int axis = program_.rows.axis_of(step.sums[at(sum)]);
      results.sums[at(sum)] =
          axis == Rows::kNone ? accumulated_[s] : in_.rows.unsorted(accumulated_[s], axis);
    }
    for (std::size_t s = 0; s < step.sums.size(); s++) {
      if (!results.sums[s].defined()) results.sums[s] = contiguous(lifted_.get(step.sums[s]));
    }
    return results;
  }

  Tensor last(std::size_t k) {
    const ValueId state = program_.step.states[k];
    const Tensor& rows = bound_[at(program_.place(state)->buffer)].tensor;
    return reshape(in_.rows.unsorted(rows, 0), spec(state).shape);
  }

  // Rows first: [time * batch, ...].
  Tensor stack_of(ValueId value) {
    const Place place = *program_.stacks[at(value)];
    const Bound& b = bound_[at(place.buffer)];
    const Dims& shape = spec(value).shape;
    const int axis = program_.rows.axis_of(value);
    if (axis == 0) return rows_of_buffer(value, b, in_.rows.total(), place.column);
    const Strides strides = contiguous_strides(shape);
    Strides all{};
    all[0] = b.step;
    std::copy_n(strides.begin(), shape.rank(), all.begin() + 1);
    return rows_together(b.tensor.view(with_time(time(), shape), all, place.column), axis);
  }

  // [time, ...] of the shape that the value has at a step.
  Tensor over_time(ValueId value) {
    const Dims& shape = spec(value).shape;
    const int axis = program_.rows.axis_of(value);
    if (lifted_.is_constant(value)) {
      const Tensor& x = lifted_.constant(value);
      if (in_.rows.whole()) return contiguous(expand(x, with_time(time(), shape)));
      return reshape(in_.rows.unpacked(in_.rows.repeated(x)), with_time(time(), shape));
    }
    const Tensor& all = lifted_.get(value);
    if (axis == Rows::kNone) return all;
    if (!in_.rows.whole()) return over_all_rows(all, axis, shape);
    Dims apart;
    for (int i = 0; i < shape.rank(); i++) {
      if (i == axis) apart.push_back(time());
      apart.push_back(shape[i]);
    }
    Dims order{axis};
    for (int i = 0; i <= shape.rank(); i++) {
      if (i != axis) order.push_back(i);
    }
    return permute(reshape(all, apart), order);
  }

  // The rows that count, along `axis`, among all: [time, ...] of the shape of a step.
  Tensor over_all_rows(const Tensor& x, int axis, const Dims& shape) const {
    const Tensor first = transpose(x, 0, axis);
    Dims parted{in_.rows.total(), shape[axis] / batch_};
    for (int i = 1; i < first.rank(); i++) parted.push_back(first.shape()[i]);
    Dims steps = with_time(time(), first.shape());
    steps.set(1, shape[axis]);
    return transpose(reshape(in_.rows.unpacked(reshape(first, parted)), steps), 1, axis + 1);
  }

  const Program& program_;
  const LoopInputs& in_;
  const Index batch_;
  Lifted lifted_;
  std::vector<Bound> bound_;    // by buffer
  std::vector<Tensor> packed_;  // as program.packed
  std::vector<Tensor> accumulated_;
};

}  // namespace

LoopResults run(const Program& program, const LoopInputs& inputs) {
  const Uninterpreted direct;
  require<ShapeError>(inputs.rows.whole() || program.rows_never_mix,
                      "scan: the step mixes rows of the batch, {}, and with lengths they are not "
                      "all there; use loop, or declare an operation of yours `rowwise`",
                      program.mixing);
  return Loop(program, inputs).run();
}

}  // namespace rw::engine
