// What all optimizers share: they hold parameters, and change them by gradients.
//
//   optim::Adam adam(nn::parameters(model), {.learning_rate = 1e-3});
//   adam.group([](std::string_view name) { return name.ends_with("bias"); }, {.weight_decay = 0});
//   ...
//   Gradients gradients = tape.backward(loss);
//   adam.step(gradients, {.max_norm = 1.0});
//
// An optimizer holds parameters by identity: moving the model keeps it valid, a copy of the model
// is another model. While it lives, it counts among the holders of its parameters.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <unordered_map>

#include "rewind/autograd/gradients.h"
#include "rewind/optim/update.h"

namespace rw {
namespace [[gnu::visibility("default")]] optim {

struct GradientSum;

// How weight decay works: added to the gradient, as the derivative of weight_decay / 2 * |value|^2;
// or apart from it, value -= learning_rate * weight_decay * value (Loshchilov, Hutter: Decoupled
// weight decay regularization, 2019).
enum class Decay { l2, decoupled };

// What a sparse gradient (of an embedding) does to the rows that it does not mention. `exact`: what
// a dense gradient with zeros there would do, so moments and values go on decaying. `lazy`:
// nothing, which costs only the rows that were used, but is another algorithm.
enum class Sparse { exact, lazy };

// The options of each optimizer include these, under the same names.
struct CommonOptions {
  double learning_rate = 1e-3;
  double weight_decay = 0;
  Decay decay = Decay::l2;
  Sparse sparse = Sparse::exact;
  // A step whose gradients are not all finite is left out and counted, instead of an error.
  bool skip_non_finite = false;
};

struct StepOptions {
  // Limits the norm of the gradients of all parameters together, as clip_norm (clip.h) does before
  // a step, but in the pass that changes the parameters: the gradients stay as they are. Equal up
  // to the rounding of the factor.
  double max_norm = std::numeric_limits<double>::infinity();
};

// What is not said stays as it was.
struct GroupOptions {
  std::optional<double> learning_rate_scale = {};  // times the optimizer's learning rate
  std::optional<double> weight_decay = {};         // these instead of the optimizer's
  std::optional<Sparse> sparse = {};
};

// Tensors by name: what a checkpoint saves.
using State = std::map<std::string, Tensor>;

class Optimizer {
 public:
  virtual ~Optimizer();
  Optimizer(Optimizer&&) noexcept;
  Optimizer& operator=(Optimizer&&) noexcept;

  // Changes every held parameter that has a gradient; others keep value and moments, and are not
  // decayed. A frozen one is passed over. Nothing is changed when this throws: GradientError when
  // a parameter among the gradients is held by no optimizer at all and is not frozen, when none of
  // them is held by this one (unless all of its own are frozen), when the value of one that
  // is to change stands on a live tape of this thread by itself (it was watched there; that the
  // tape follows the parameter does not count), and when the gradient of a held one is not finite.
  // With .skip_non_finite the latter only returns false. ValueError when .max_norm is negative or
  // NaN; where it is finite, the norm of all parameters, held or not, has to be, too.
  bool step(const Gradients& gradients, const StepOptions& options = {});

  // Gives the parameters for whose name `belongs` is true options of their own. Later calls go
  // before earlier ones. Throws ValueError when there are no such parameters.
  void group(const std::function<bool(std::string_view name)>& belongs,
             const GroupOptions& options);

  double learning_rate() const { return learning_rate_; }
  void set_learning_rate(double rate);

  Index steps() const { return steps_; }      // taken
  Index skipped() const { return skipped_; }  // left out by .skip_non_finite

  // Everything that a resumed run needs to go on to the same bits, except the options: learning
  // rate, counts, and per parameter its moments. Names begin with the kind of the optimizer and end
  // with the name of the parameter ("adam.moment1.head.weight"). Throws ValueError unless all
  // parameters have names, each its own.
  State state() const;

  // Takes on such a state. Throws ValueError, ShapeError or DtypeError, and changes nothing, when
  // something is missing, is too much, or does not fit.
  void load_state(const State& state);

 protected:
  // `kind` and `moments` are names in the state; at most kMaxMoments. A parameter that occurs twice
  // (tied weights) is held once.
  Optimizer(std::string kind, std::vector<Parameter> parameters, const CommonOptions& options,
            std::vector<std::string> moments);

  // The rule: changes value and moments of the elements that the update names. For both types, or
  // the same template called twice.
  virtual void update(const Update<float>& u) const = 0;
  virtual void update(const Update<double>& u) const = 0;

 private:
  struct Held;
  struct Found;  // the gradients of held parameters, and what is wrong with them

  Found find(const Gradients& gradients, bool measure);
  void require_fitting(const Held& held, const Variable& of) const;
  template <class T>
  void apply(Held& held, const GradientSum& gradient, double factor);
  std::vector<std::string> names() const;

  std::string kind_;
  CommonOptions options_;
  double learning_rate_;
  Index steps_ = 0;
  Index skipped_ = 0;
  std::vector<std::string> moment_names_;
  std::vector<Held> held_;
  std::unordered_map<std::uint64_t, std::size_t> position_;  // by Parameter::id, in held_
};

// Throws ValueError in the name of `op` unless low <= value < high; `field` is the option's name.
void require_in(std::string_view op, std::string_view field, double value, double low, double high);

}  // namespace optim
}  // namespace rw
