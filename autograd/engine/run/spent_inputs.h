// Inputs of a scan that were given away: what nobody else holds may be written over by outputs of
// the same size, stretch by stretch of time, when the stretch has read it. So the gradient of x
// lies where the states of an LSTM lay.
#pragma once

#include "rewind/autograd/engine/compile/program.h"
#include "rewind/autograd/engine/run/run.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

class SpentInputs {
 public:
  // Before anybody looks at parts of the inputs. Keeps references to both.
  SpentInputs(const Program& program, const LoopInputs& in);

  // Memory of all steps for so many rows of an output, contiguous; each is given once. Undefined
  // where there is none.
  Tensor take(const Spec& rows);

 private:
  bool is_wanted(std::size_t i) const;
  bool may_be_written(std::size_t i) const;
  bool is_read_later(std::size_t i) const;

  const Program& program_;
  const LoopInputs& in_;
  std::vector<bool> free_;  // by input
};

}  // namespace engine
}  // namespace rw
