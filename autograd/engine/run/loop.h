// The loop itself. A step goes from instruction to instruction and only moves pointers
// (bound_loop.h). Where all instructions keep rows apart, workers share a stretch (loop_split.h):
// each takes some rows through all of its steps by itself, and nothing is waited for; or each makes
// some columns of every step, and waits where it reads those of others. A row's bits are then those
// that it has alone.
#pragma once

#include "rewind/autograd/engine/run/bound_loop.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

class Loop {
 public:
  // Keeps references to all but the third.
  Loop(const Program& program, const LoopInputs& in, const Lifted& lifted, LoopMemory& memory);

  // The steps of a stretch that the memory has entered.
  void run(Stretch stretch);

  // Sums that were added up in the loop so far, as program.fates.accumulated.
  const std::vector<Tensor>& accumulated() const { return accumulated_; }

 private:
  Index step(Stretch stretch, Index k) const;  // the k-th that runs
  void go_to(BoundLoop& bound, Index t, RowRange rows) const;
  void run_rows(Stretch stretch, RowRange rows);
  void run_columns(Stretch stretch, int workers);

  static void run_one(const ProductInstruction&, Index, RowRange) {}  // these three are bound
  static void run_one(const ElementInstruction&, Index, RowRange) {}
  static void run_one(const CopyInstruction&, Index, RowRange) {}
  void run_one(const ArrangeInstruction& i, Index t, RowRange rows);
  void run_one(const OrdinaryInstruction& i, Index t, RowRange rows);
  void draw(const Graph::Node& node, Index t, RowRange rows, std::span<const Tensor* const> inputs,
            std::span<Tensor> outputs);

  void accumulate(Index t);
  void accumulate_rows(Index t, RowRange rows);
  template <class T>
  void accumulate_rows(std::size_t i, Index t, RowRange rows);

  const Program& program_;
  const LoopInputs& in_;
  const Index batch_;
  LoopMemory& memory_;
  std::vector<Tensor> packed_;       // as program.packed
  std::vector<Tensor> accumulated_;  // as program.fates.accumulated
  std::vector<std::byte*> totals_;   // their numbers
};

}  // namespace engine
}  // namespace rw
