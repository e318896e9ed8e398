// Values of many steps at once: what runs before a loop and after it, for one stretch of time after
// the other. Rows of the batch become rows of the batch at every time, [steps * batch, ...], and
// operations that keep rows apart, or add them up, need nothing else (rows/rows.h).
#pragma once

#include "rewind/autograd/engine/compile/program.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

class Lifted {
 public:
  // `total`: the rows of all steps together. Keeps a reference to the program.
  Lifted(const Program& program, Index total);

  // From here on values are those of a stretch of so many rows, of which none is known yet. Without
  // it they are those of all steps.
  void begin_stretch(Index rows);
  // Rows of all stretches.
  Index total() const { return total_; }

  void set(ValueId value, Tensor x) { values_[at(value)] = std::move(x); }
  void set_invariant(ValueId value, Tensor x) { constants_[at(value)] = std::move(x); }

  // Computed when it is first asked for, from what was set.
  const Tensor& get(ValueId value);
  // The same where it is wanted: its rows, contiguous, one after the other. What is written there
  // was not asked for before, or is a copy.
  void get_into(ValueId value, Tensor& rows);
  // Whether what it is made of is still there: what only the loop reads is let go after it.
  bool can_get(ValueId value) const;

  // What depends on neither inputs nor states, as it is at each step.
  bool is_constant(ValueId value) const {
    return program_.depends[at(value)] == Dependence::nothing;
  }
  const Tensor& constant(ValueId value);
  // The packed form of one that has a recipe.
  Tensor packed_form(ValueId value) const;
  // A table whose rows were multiplied once for all stretches (lookups.h); undefined until it is
  // set. By the value of which it has the rows.
  Tensor& multiplied_table(ValueId value) { return tables_[at(value)]; }

 private:
  void compute(const Graph::Node& node);
  bool compute_into(const Graph::Node& node, Tensor& rows);
  void multiply_into(const Graph::Node& product, Tensor& rows, ValueId value,
                     const Tensor& row = {});
  void compute_by_its_kernel(const Graph::Node& node, std::span<Tensor> outputs);
  // Whether only this node reads a value, so that it may take its memory.
  bool is_spent(ValueId value) const;

  const Program& program_;
  const Index total_;
  Index rows_;  // of this stretch
  std::vector<Tensor> values_, constants_, tables_;
};

// One operation on tensors, seen by no interpreter. Those whose bit is set in `donated` are
// temporaries.
void execute(const Operation& operation, std::span<const Tensor* const> inputs,
             std::span<Tensor> outputs, std::uint64_t donated = 0);

}  // namespace engine
}  // namespace rw
