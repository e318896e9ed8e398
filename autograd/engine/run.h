// Runs a program over time.
#pragma once

#include "rewind/autograd/engine/program.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct LoopInputs {
  Index time = 0;
  bool reverse = false;
  std::vector<Tensor> invariants;
  std::vector<Tensor> inputs;   // [time, batch, ...]
  std::vector<Tensor> initial;  // [batch, ...]
};

struct LoopResults {
  std::vector<Tensor> last;     // the states after the last step
  std::vector<Tensor> outputs;  // [time, batch, ...]
  std::vector<Tensor> sums;
};

LoopResults run(const Program& program, const LoopInputs& inputs);

}  // namespace engine
}  // namespace rw
