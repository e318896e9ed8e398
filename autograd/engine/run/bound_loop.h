// The instructions of a loop for one worker, bound to memory: which kernel runs on what is settled
// before the first step, and a step moves pointers alone. Of small layers a step takes less than a
// microsecond, and finding all that out again would take half of it.
#pragma once

#include <array>

#include "rewind/autograd/engine/run/loop_memory.h"
#include "rewind/tensor/kernels/element_runner.h"
#include "rewind/tensor/kernels/packed_product.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// Aligned to a cache line: each worker writes to its own at every step, and would slow the others.
class alignas(64) BoundLoop {
 public:
  // For up to so many rows, and a share of the columns. `packed`: as program.packed. Keeps
  // references to the first two, and to the numbers of the third.
  BoundLoop(const Program& program, const LoopMemory& memory, const std::vector<Tensor>& packed,
            Index rows, ColumnShare share = {});

  // The step, and rows, that instructions run for from now on: rows begin .. end of it, of which
  // the first stands at `first_row` among those of all steps. `number` counts steps from the first.
  void go_to(Index t, Index number, Index first_row, Index begin, Index end);

  // Runs an instruction of the program by number. False: it is not one on numbers alone.
  bool run(std::size_t instruction);

 private:
  struct Unbound {};
  template <class T>
  struct Product {
    kernels::PackedProduct<T> product;
    Track a, c;
  };
  template <class T>
  struct Elements {
    kernels::ElementRunner<T> runner;
    std::vector<Track> operands;
  };
  struct Copy {
    Track from, to;
    Index from_step, to_step, bytes;  // of a row
    bool rows;
  };
  struct Nothing {};
  using Bound = std::variant<Unbound, Nothing, Product<float>, Product<double>, Elements<float>,
                             Elements<double>, Copy>;

  Bound bound(const ProductInstruction& i, Columns columns) const;
  Bound bound(const ElementInstruction& i, Columns columns) const;
  Bound bound(const CopyInstruction& i, Columns columns) const;
  Bound bound(const OrdinaryInstruction&, Columns) const { return Unbound{}; }
  Bound bound(const ArrangeInstruction&, Columns) const { return Unbound{}; }
  template <class T>
  Bound bound_product(const ProductInstruction& i, Columns columns) const;
  template <class T>
  Bound bound_elements(const ElementInstruction& i, Columns columns) const;

  const Buffer& buffer(Place place) const {
    return program_.buffers[static_cast<std::size_t>(place.buffer)];
  }
  std::byte* address(const Track& track) const {
    const Index offset = track.offset + track.move * went_[static_cast<std::size_t>(track.by)];
    return const_cast<std::byte*>(*track.base[odd_]) + offset;
  }

  static bool run_one(Unbound) { return false; }
  static bool run_one(Nothing) { return true; }
  template <class T>
  bool run_one(Product<T>& p);
  template <class T>
  bool run_one(Elements<T>& elements);
  bool run_one(const Copy& copy) const;

  const Program& program_;
  const LoopMemory& memory_;
  const std::vector<Tensor>& packed_;
  Index rows_;  // at most; then those of the step
  int odd_ = 0;
  std::array<Index, 5> went_ = {};  // by Track::By
  std::vector<Bound> loop_;         // one for each range of columns of an instruction
  std::vector<std::size_t> first_;  // by instruction: the first of these, and one more at the end
};

}  // namespace engine
}  // namespace rw
