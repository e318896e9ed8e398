// The backward step of a step: what a loop over it runs, in the other direction, to carry gradients
// back. It is a step of the same form, so the same passes plan it, and it has a backward step of
// its own.
//
//   forward               backward
//   invariant         ->  sum, the gradient of it        (and an invariant, where it is read)
//   input             ->  output, the gradient of it     (and an input)
//   state, next       ->  next, state: the gradient goes round the other way
//   output            ->  input, the gradient of it
//   sum               ->  invariant, the gradient of it
//
// Forward values that the backward step reads are made again from what the forward loop gave and
// took, as far as that is cheap; the rest the forward loop keeps, as outputs added behind its own.
// A minimum cut finds the fewest numbers to keep (Griewank and Walther; the same as in PyTorch's
// AOTAutograd).
#pragma once

#include "rewind/autograd/engine/step/step.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// What stands at a leaf of the backward step.
struct Source {
  enum Kind : char { invariant, input, output, output_gradient, sum_gradient, constant } kind;
  int index;  // among those of its kind of the forward step, or among `constants`
  friend bool operator==(const Source&, const Source&) = default;
};

struct Backward {
  Step step;                               // without input_rows and output_rows
  std::vector<Source> invariants, inputs;  // of each invariant and input of `step`
  std::vector<int> states;   // state i of `step` is the gradient of this state of the forward step
  std::vector<int> outputs;  // output i is the gradient of this input
  std::vector<int> sums;     // sum i is the gradient of this invariant
  std::vector<Tensor> constants;
};

// Whose gradients are asked for, and which arrive.
struct Wanted {
  std::vector<bool> invariants, inputs;  // of the forward step
  std::vector<bool> outputs, sums;       // at which of these gradients arrive
};

// What the forward loop keeps of what the backward step reads: as little as can be, or, for
// comparison, all that is another at every step.
enum class Keep : char { least, everything };

// Adds to forward.outputs what must be kept.
Backward backward_of(Step& forward, const Wanted& wanted, Keep keep = Keep::least);

}  // namespace engine
}  // namespace rw
