// From a user's step to a planned scan: the one door between scan.h and the engine.
#pragma once

#include <functional>
#include <optional>

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct ScanRequest {
  std::vector<Tensor> inputs;   // [time, batch, ...]
  std::vector<Tensor> initial;  // [batch, ...]
  Index time, batch;
  std::vector<Index> lengths;  // empty: all rows count at all steps
  bool reverse;
  bool states;     // give the state after every step
  Index segments;  // that a rewind computes again, one at a time; 0: none
  // Takes the inputs of a step, then the states; gives the next states, then outputs.
  std::function<std::vector<Tensor>(const std::vector<Tensor>&)> step;
};

struct ScanAnswer {
  std::vector<Tensor> last, outputs, states;
};

// Nothing, where the step cannot be planned: one inside another step that is being traced, if it
// draws random numbers.
std::optional<ScanAnswer> scan_planned(const ScanRequest& request);

}  // namespace engine
}  // namespace rw
