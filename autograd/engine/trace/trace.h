// What a step does, found by running it once on shapes alone.
//
// The tensors that the step merely mentions (weights, a captured context) become leaves beside its
// arguments: invariants of the loop, in the order of first use.
#pragma once

#include <functional>

#include "rewind/autograd/engine/step/graph.h"
#include "rewind/autograd/engine/trace/numbers.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct Trace {
  Graph graph;
  Index draws = 0;                 // of random numbers
  std::vector<ValueId> arguments;  // leaves, as given
  std::vector<ValueId> captured;   // leaves, beside the tensors that they stand for
  std::vector<Tensor> captured_tensors;
  std::vector<ValueId> results;
  std::vector<ChangingNumbers> changing;  // in the order of the operations
};

using StepFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

// Runs `step` on tensors without numbers. Throws what the step throws; and ValueError when it reads
// a number of an argument, or returns a value of another trace. What it does twice is found once.
Trace trace(const std::vector<Spec>& arguments, const StepFunction& step);

// The same for the steps of users: what they do stays as it was written, but for these numbers,
// which are read as tensors. Random operations are numbered from the first draw of this thread's
// generator on, of generator 0; a step that draws from another one throws ValueError.
Trace trace_as_written(const std::vector<Spec>& arguments, const StepFunction& step,
                       const std::vector<ChangingNumbers>& changing = {});

// Handles of the same numbers, seen the same way and standing at the same place of a tape.
bool same_tensor(const Tensor& a, const Tensor& b);

// While one lives, a step is being run on this thread for what it does.
class TracingScope {
 public:
  TracingScope() : outer_(std::exchange(innermost_, this)) {}
  TracingScope(const TracingScope&) = delete;
  TracingScope& operator=(const TracingScope&) = delete;

  // Whether a tensor without numbers is a value of one of the steps around the innermost.
  bool known_outside(const Tensor& x) const {
    for (const TracingScope* scope = outer_; scope; scope = scope->outer_) {
      if (scope->knows(x)) return true;
    }
    return false;
  }
  static bool any() { return innermost_ != nullptr; }

 protected:
  virtual bool knows(const Tensor& x) const = 0;
  ~TracingScope() { innermost_ = outer_; }

 private:
  static constinit thread_local TracingScope* innermost_;
  TracingScope* outer_;
};

}  // namespace engine
}  // namespace rw
