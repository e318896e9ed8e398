// States that every step returns as it took them: a context that a cell is given with its state,
// say. They are the same at every step, so the step is planned as if it had captured them: work on
// them alone moves before the loop, and their gradients are sums over the steps.
//
// (The gradient of such a state is only added to, and so a sum; that of a sum is a state returned
// as it was taken: the two are dual.)
#pragma once

#include <memory>
#include <vector>

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct Traced;

struct Holding {
  std::shared_ptr<const Traced> step;  // takes the held states behind what it captured anyway
  std::vector<bool> held;              // by state of the step as it was written

  // Of one tensor for each state as written, those of the states that are held, and of the others;
  // and back.
  std::vector<Tensor> of_held(const std::vector<Tensor>& states) const;
  std::vector<Tensor> of_others(const std::vector<Tensor>& states) const;
  std::vector<Tensor> all(const std::vector<Tensor>& held_ones,
                          const std::vector<Tensor>& others) const;
};

// Null where no state is held, or where that moves no work before the loop. At least one state goes
// round, and one that is an output goes round, too.
std::shared_ptr<const Holding> holding_of(const Traced& written);

}  // namespace engine
}  // namespace rw
