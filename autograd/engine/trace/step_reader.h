// What follows the operations of a step while it runs, be it to trace it or to compare it with a
// trace. It sees the step as a plan should:
//
//   - numbers that change from call to call as tensors (numbers.h);
//   - what is computed under `Pause` through `stop_gradient`, since the tape that pauses does not
//     see the step's operations but the plan.
#pragma once

#include "rewind/autograd/engine/trace/trace.h"

namespace [[gnu::visibility("default")]] rw {

class Tape;

namespace engine {

class StepReader : public Interpreter, public TracingScope {
 public:
  void run(Call& call) final;

 protected:
  // Reads the operations of `changing` on tensors. Of a tape that is there, and records now, the
  // pauses count; null: none.
  StepReader(const std::vector<ChangingNumbers>& changing, const Tape* tape)
      : changing_(changing), tape_(tape) {}
  ~StepReader() = default;

  // What is done with an operation; and the step's own value for a tensor that it mentions.
  virtual void read(Call& call) = 0;
  virtual Tensor mention(const Tensor& x) = 0;
  // What is done with those of `changing` beside, as they are met: `now` has what does something
  // now, too. Gives the numbers to be read as tensors.
  virtual const ChangingNumbers& met(const ChangingNumbers& known, const ChangingNumbers& now) = 0;

  std::size_t operations() const { return operations_; }  // of the step so far, this one included

 private:
  void read_on_tensors(const ChangingNumbers& numbers, Call& call);
  template <class Op>
  Tensor applied(std::initializer_list<const Tensor*> inputs);

  const std::vector<ChangingNumbers>& changing_;
  const Tape* tape_;
  std::size_t operations_ = 0, next_changing_ = 0;
};

}  // namespace engine
}  // namespace rw
