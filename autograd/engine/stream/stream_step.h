// One step of a recurrence, bound to memory: every number has its address and every instruction its
// operands before the first step, and running it moves numbers alone.
#pragma once

#include "rewind/autograd/engine/recurrence.h"
#include "rewind/autograd/engine/run/loop_memory.h"
#include "rewind/autograd/engine/run/packed.h"
#include "rewind/autograd/engine/run/row_copy.h"
#include "rewind/tensor/kernels/element_runner.h"
#include "rewind/tensor/kernels/packed_product.h"
#include "rewind/tensor/strided.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

class StreamStep {
 public:
  // `recurrence` is a plan for single steps; `captured` are the tensors that its trace lists. The
  // states hold no numbers yet.
  StreamStep(std::shared_ptr<const Recurrence> recurrence, const std::vector<Tensor>& captured,
             Index draws);
  StreamStep(const StreamStep&) = delete;
  StreamStep& operator=(const StreamStep&) = delete;

  // From the numbers of the inputs to those of the outputs, row after row, one pointer for each.
  // Takes no memory, but for what a kernel takes that an operation runs by.
  void run(std::span<const std::byte* const> in, std::span<std::byte* const> out);

  // A state's numbers, row after row.
  std::byte* state(std::size_t state) const;

 private:
  template <class T>
  struct Elements {
    kernels::ElementRunner<T> runner;
    Index rows;
  };
  // An operation by its own kernel. Is moved, and never copied: arguments point to inputs.
  struct Ordinary {
    const Graph::Node* node;
    const Operation* kernel;               // of the node
    std::vector<Tensor> inputs;            // where they lie
    std::vector<const Tensor*> arguments;  // these
    std::vector<Tensor> outputs;           // of the kernel alone
    std::vector<Tensor> results;           // where they are read
  };
  // What no kernel takes as it lies goes to where it lies better.
  struct Gather {
    Tensor from, to;
  };
  // Rows of tensors [rows, k] by a packed matrix, to [rows, n] where they are read.
  struct RowsByPacked {
    Tensor a, packed, y;
  };
  // Rows of a table, one after the other.
  struct LookUp {
    const std::byte* table;
    Index table_rows;
    std::size_t bytes;  // of a row
    const Index* rows;
    Index count;
    std::byte* to;
    Ordinary otherwise;  // where a row is none of the table: its kernel says so
  };
  using Bound =
      std::variant<kernels::PackedProduct<float>, kernels::PackedProduct<double>, Elements<float>,
                   Elements<double>, RowCopy, LookUp, Gather, RowsByPacked, Ordinary>;

  const Program& program() const { return recurrence_->program(); }
  const Buffer& buffer(Place place) const {
    return program().buffers[static_cast<std::size_t>(place.buffer)];
  }
  Index batch() const { return recurrence_->batch(); }
  Tensor value(ValueId value) const { return memory_.value_at(value, 0, {0, batch()}); }
  void bind(const ProductInstruction& i);
  void bind(const ElementInstruction& i);
  void bind(const OrdinaryInstruction& i);
  void bind(const CopyInstruction& i);
  void bind(const ArrangeInstruction&) {}  // none where nothing is remembered
  template <class T>
  void bind_product(const ProductInstruction& i);
  template <class T>
  void bind_elements(const ElementInstruction& i);
  RowCopy copy(Place from, Place to, Index columns) const;
  RowCopy output(ValueId value) const;
  // A value as it is taken at every step. It may have to be gathered first.
  Tensor taken(ValueId value);
  Tensor gathered(const Tensor& view, const Dims& shape);
  Ordinary ordinary(const Graph::Node& node);
  RowsByPacked rows_by_packed(const Graph::Node& node, const Tensor& packed);
  static std::optional<Gather> view_of(const Ordinary& ordinary);
  bool looks_up(const Ordinary& ordinary) const;
  static LookUp look_up(Ordinary ordinary);

  template <class T>
  void run_one(const kernels::PackedProduct<T>& product) {
    kernels::multiply(product);
  }
  template <class T>
  void run_one(Elements<T>& elements) {
    elements.runner.run(elements.rows);
  }
  static void run_one(const RowCopy& copy) { copy.run(); }
  void run_one(LookUp& look_up);
  static void run_one(Gather& gather) { copy_elements(gather.from, gather.to); }
  static void run_one(RowsByPacked& product) {
    multiply_packed(product.a, product.packed, product.y);
  }
  static void run_one(Ordinary& ordinary);

  const std::shared_ptr<const Recurrence> recurrence_;
  const Index draws_;  // of random numbers
  LoopInputs inputs_;
  Lifted lifted_;
  LoopMemory memory_;
  std::vector<Tensor> packed_;  // as program.packed
  std::vector<Bound> loop_;
  std::vector<RowCopy> states_;   // the next ones to where steps find them
  std::vector<RowCopy> outputs_;  // to nowhere yet
};

}  // namespace engine
}  // namespace rw
