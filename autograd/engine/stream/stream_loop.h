// A recurrence taken one step at a time: its plan, its state, and whether the weights are still
// those that it was made of. What stream.h hands to the engine.
#pragma once

#include <functional>
#include <memory>

#include "rewind/autograd/parameter_watch.h"
#include "rewind/autograd/stream_numbers.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct Holding;
struct Traced;
class StreamStep;

class StreamLoop {
 public:
  // Takes the inputs and the states; gives the next states and the outputs.
  using Step = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

  // Throws what the step throws on these shapes, and what planning it throws.
  StreamLoop(Step step, const std::vector<Spec>& inputs, const std::vector<Tensor>& state);
  StreamLoop(StreamLoop&&) noexcept;
  StreamLoop& operator=(StreamLoop&&) noexcept;
  ~StreamLoop();

  const std::vector<Spec>& input_specs() const { return inputs_; }
  const std::vector<Spec>& output_specs() const { return outputs_; }
  Index batch() const { return states_[0].shape[0]; }

  // So many steps, one after the other, from the numbers of the inputs to those of the outputs, one
  // for each; `plainly` by applying the step to tensors: everyone who looks sees its operations.
  // Throws what `refresh` and the kernels of operations throw; the state is then that of the step
  // before.
  void run(Index steps, std::span<const StreamIn> in, std::span<const StreamOut> out, bool plainly);

  // Looks at the step anew: takes up weights that have changed, and whatever else it mentions.
  // Throws as the constructor does, and then nothing has changed.
  void refresh();

  std::vector<Tensor> state() const;
  void set_state(const std::vector<Tensor>& state);
  // Row by row, the state `to` where the mask holds.
  void reset(const Tensor& mask, const std::vector<Tensor>& to);
  // The states of these rows, which become the batch.
  void select(const Tensor& rows);

 private:
  // Of the numbers at in_ and out_.
  void step();
  void step_plainly();

  // What the step does, and with which tensors, in the order of its trace.
  struct Look {
    std::shared_ptr<const Traced> step;
    std::vector<Tensor> captured;
    const Holding* holding = nullptr;  // of the step
  };
  Look look() const;
  // What `refresh` does. Without a state the one that there is goes on.
  void take_up(const std::vector<Tensor>& state);
  void bind(const Look& look, const std::vector<Tensor>& state);

  Step step_;
  std::vector<Spec> inputs_, states_, outputs_;  // of the step
  std::vector<const std::byte*> in_;             // where the inputs of a step begin
  std::vector<std::byte*> out_;
  std::vector<Tensor> held_;  // states that are held (held_states.h)
  Look last_;
  ParameterWatch weights_;             // that it read then
  std::unique_ptr<StreamStep> bound_;  // none where the batch has no rows
};

}  // namespace engine
}  // namespace rw
