// A recurrence taken one step at a time: its plan, its state, and whether the weights are still
// those that it was made of. What stream.h hands to the engine.
#pragma once

#include <functional>
#include <memory>

#include "rewind/autograd/parameter_watch.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct Holding;
struct Traced;
class StreamStep;

class StreamLoop {
 public:
  // Takes the input and the states; gives the next states and the output.
  using Step = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

  // Throws what the step throws on these shapes, and what planning it throws.
  StreamLoop(Step step, const Spec& input, const std::vector<Tensor>& state);
  StreamLoop(StreamLoop&&) noexcept;
  StreamLoop& operator=(StreamLoop&&) noexcept;
  ~StreamLoop();

  const Spec& input_spec() const { return arguments_[0]; }
  const Spec& output_spec() const;

  // From the numbers of an input to those of an output. It ends the program where `refresh` or an
  // operation's own kernel throws.
  void step(const std::byte* in, std::byte* out) noexcept;
  // The same by applying the step to tensors: everyone who looks sees its operations.
  void step_plainly(const std::byte* in, std::byte* out);

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
  std::size_t states() const { return arguments_.size() - 1; }

  // What the step does, and with which tensors, in the order of its trace.
  struct Look {
    std::shared_ptr<const Traced> step;
    std::vector<Tensor> captured;
    const Holding* holding = nullptr;  // of the step
  };
  Look look() const;
  // As `refresh`, which gives no state: then that there is stays.
  void take_up(const std::vector<Tensor>& state);
  void bind(const Look& look, const std::vector<Tensor>& state);

  Step step_;
  std::vector<Spec> arguments_;  // of the step: the input and the states
  std::vector<Tensor> held_;     // states that are held (held_states.h)
  Look last_;
  ParameterWatch weights_;             // that it read then
  std::unique_ptr<StreamStep> bound_;  // none where the batch has no rows
};

}  // namespace engine
}  // namespace rw
