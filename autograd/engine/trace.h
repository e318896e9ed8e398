// What a step does, found by running it once on shapes alone.
//
// The tensors that the step merely mentions (weights, a captured context) become leaves beside its
// arguments: invariants of the loop, in the order of first use.
#pragma once

#include <functional>

#include "rewind/autograd/engine/graph.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct Trace {
  Graph graph;
  Index draws = 0;                 // of random numbers
  std::vector<ValueId> arguments;  // leaves, as given
  std::vector<ValueId> captured;   // leaves, beside the tensors that they stand for
  std::vector<Tensor> captured_tensors;
  std::vector<ValueId> results;
};

// Runs `step` on tensors without numbers. Throws what the step throws; and ValueError when it reads
// a number of an argument, or returns a value of another trace. With `relative_draws` random
// operations are numbered from the first draw of this thread's generator on, of generator 0; a step
// that draws from another one throws ValueError.
Trace trace(const std::vector<Spec>& arguments,
            const std::function<std::vector<Tensor>(const std::vector<Tensor>&)>& step,
            bool relative_draws = false);

// Whether a step is being traced on this thread.
bool is_tracing();

}  // namespace engine
}  // namespace rw
