// Runs a program over time.
#pragma once

#include "rewind/autograd/engine/compile/program.h"
#include "rewind/autograd/engine/run/row_schedule.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// The random numbers of a scan: the step that the forward scan takes k-th draws number first + k *
// each and following.
struct Draws {
  std::uint64_t seed = 0, first = 0;
  Index each = 0;
  bool reverse = false;  // the direction of the forward scan
  friend bool operator==(const Draws&, const Draws&) = default;
};

struct LoopInputs {
  RowSchedule rows;  // throws where they differ between steps and the program mixes rows
  bool reverse = false;
  Draws draws;
  std::vector<Tensor> invariants;
  std::vector<Tensor> inputs;    // [time, batch, ...]
  std::vector<Tensor> initial;   // [batch, ...]
  std::vector<bool> given = {};  // by input, as far as it goes: whether it was given away
};

// What a scan gives; of gradients those that arrive there, undefined where none does.
struct ScanResults {
  std::vector<Tensor> last;     // the states after the last step
  std::vector<Tensor> outputs;  // [time, batch, ...]
  std::vector<Tensor> sums;
};

ScanResults run(const Program& program, LoopInputs inputs);

}  // namespace engine
}  // namespace rw
