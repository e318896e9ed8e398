#include "rewind/optim/optimizer.h"

#include <cmath>

#include "rewind/optim/gradient_sum.h"
#include "rewind/optim/held_inl.h"
#include "rewind/optim/kernels/passes.h"
#include "rewind/optim/norm.h"
#include "rewind/tensor/interpreter.h"

namespace rw::optim {
namespace {

void require_holders(std::string_view op, const Gradients& gradients) {
  std::vector<const Variable*> orphans;
  for (const auto& [of, gradient] : gradients.entries()) {
    if (!of.is_parameter() || of.parameter().frozen()) continue;
    if (of.parameter().state().holders.load() == 0) orphans.push_back(&of);
  }
  require<GradientError>(
      orphans.empty(),
      "{}: step: no optimizer holds {}, and there is a gradient; is the model or the "
      "list of parameters a copy, or a member left out of members()? freeze() "
      "what is not to change",
      op, list_of(orphans));
}

// What a write would throw, before anything is written.
void require_writable(std::string_view op, const Tensor& value, const Variable& of) {
  require(value.has_data(), "{}: step: only the shape of {} is known; give it numbers first", op,
          Described{of});
  require<GradientError>(!Interpreter::any_holds(value.mark()),
                         "{}: step: a live tape recorded the value of {}; step after the tape, or "
                         "watch a copy",
                         op, Described{of});
}

Tensor zeros_of(const Spec& spec) {
  Tensor zeros = Tensor::uninitialized(spec);
  dispatch_float("step", spec.dtype,
                 [&](auto v) { std::ranges::fill(zeros.mutable_span<decltype(v)>(), v); });
  return zeros;
}

// In double: beside a norm of 1e40 the factor is no float32.
GradientSum scaled(GradientSum gradient, double factor) {
  gradient.values.set_mark(0);  // a recorded one stays as it is: this is a copy
  dispatch_float("step", gradient.values.dtype(), [&](auto v) {
    const auto all = gradient.values.mutable_span<decltype(v)>();
    kernels::scale(all.data(), std::ssize(all), factor);
  });
  return gradient;
}

}  // namespace

Optimizer::Optimizer(std::string kind, std::vector<Parameter> parameters,
                     const CommonOptions& options, std::vector<std::string> moments)
    : kind_(std::move(kind)), options_(options), moment_names_(std::move(moments)) {
  require(!parameters.empty(), "{}: there are no parameters; does the model list its members?",
          kind_);
  require(moment_names_.size() <= kMaxMoments, "{}: {} moments; at most {} are kept", kind_,
          moment_names_.size(), kMaxMoments);
  require_in(kind_, "weight_decay", options.weight_decay, 0, HUGE_VAL);
  set_learning_rate(options.learning_rate);
  for (Parameter& parameter : parameters) {
    if (!position_.emplace(parameter.id(), held_.size()).second) continue;
    held_.push_back({Hold(std::move(parameter)), options.weight_decay, options.sparse});
  }
}

Optimizer::~Optimizer() = default;
Optimizer::Optimizer(Optimizer&&) noexcept = default;
Optimizer& Optimizer::operator=(Optimizer&&) noexcept = default;

void Optimizer::set_learning_rate(double rate) {
  require_in(kind_, "learning_rate", rate, 0, HUGE_VAL);
  learning_rate_ = rate;
}

void Optimizer::group(const std::function<bool(std::string_view)>& belongs,
                      const GroupOptions& options) {
  const double scale = options.learning_rate_scale.value_or(1);
  require_in(kind_, "learning_rate_scale", scale, 0, HUGE_VAL);
  require_in(kind_, "weight_decay", options.weight_decay.value_or(0), 0, HUGE_VAL);
  bool any = false;
  for (Held& held : held_) {
    if (!belongs(held.parameter->name())) continue;
    any = true;
    if (options.learning_rate_scale) held.learning_rate_scale = scale;
    if (options.weight_decay) held.weight_decay = *options.weight_decay;
    if (options.sparse) held.sparse = *options.sparse;
  }
  require(any, "{}: group: none of the {} parameters belongs to it; the first is named '{}'", kind_,
          held_.size(), held_[0].parameter->name());
}

struct Optimizer::Found {
  std::vector<std::pair<Held*, GradientSum>> gradients;
  std::vector<const Variable*> broken;  // by what is not finite
  std::vector<double> norms;            // of all parameters, where they are measured
  bool any = false;                     // whether there is one of a held parameter
};

Optimizer::Found Optimizer::find(const Gradients& gradients, bool measure) {
  Found found;
  for (const auto& [of, gradient] : gradients.entries()) {
    if (!of.is_parameter()) continue;
    const auto place = position_.find(of.parameter().id());
    const bool held = place != position_.end();
    found.any |= held;
    const bool changes = held && !of.parameter().frozen();
    if (changes) {
      const Held& known = held_[place->second];
      require_fitting(known, of);
      require_writable(kind_, known.parameter->value(), of);
    }
    if (!changes && !measure) continue;
    GradientSum sum = sum_terms(kind_, of, gradient);
    if (measure) found.norms.push_back(norm(sum.values));
    const bool surely = measure && std::isfinite(found.norms.back());
    if (!surely && !all_finite(sum.values)) found.broken.push_back(&of);
    if (changes) found.gradients.emplace_back(&held_[place->second], std::move(sum));
  }
  return found;
}

// A gradient, by the parameter that it is of, is of the type that parameter and moments are now.
void Optimizer::require_fitting(const Held& held, const Variable& of) const {
  const Spec& spec = held.parameter->spec();
  require<DtypeError>(of.spec() == spec,
                      "{}: step: {} has become {}; step before the model is converted", kind_,
                      Described{of}, spec);
  const Spec& known = held.moments.empty() ? spec : held.moments[0].spec();
  require<DtypeError>(known == spec,
                      "{}: step: {} was {} at the last step; make the optimizer after the model is "
                      "converted",
                      kind_, Described{of}, known);
}

bool Optimizer::step(const Gradients& gradients, const StepOptions& options) {
  require(options.max_norm >= 0, "{}: step: .max_norm is {}; it must be zero or more", kind_,
          options.max_norm);
  require_holders(kind_, gradients);
  const bool limited = std::isfinite(options.max_norm);
  Found found = find(gradients, limited);
  const auto frozen = [](const Held& held) { return held.parameter->frozen(); };
  require<GradientError>(found.any || std::ranges::all_of(held_, frozen),
                         "{}: step: none of the {} gradients is of a parameter that this optimizer "
                         "holds; are they of another model?",
                         kind_, gradients.entries().size());
  const double all = norm(found.norms);
  const bool finite = found.broken.empty() && std::isfinite(all);
  if (!finite && options_.skip_non_finite) {
    skipped_++;
    return false;
  }
  require<GradientError>(
      finite,
      "{}: step: not finite: the {} of {}; lower the learning rate, clip, or set .skip_non_finite",
      kind_, found.broken.empty() ? "norm" : "gradient",
      found.broken.empty() ? "all gradients together" : list_of(found.broken));
  const double factor = limited && all > options.max_norm ? options.max_norm / all : 1;
  for (auto& [held, gradient] : found.gradients) {
    dispatch_float(kind_, gradient.values.dtype(), [&, h = held, &g = gradient](auto v) {
      using T = decltype(v);
      const bool exact = factor == 0 || std::isnormal(static_cast<T>(factor));
      exact ? apply<T>(*h, g, factor) : apply<T>(*h, scaled(std::move(g), factor), 1);
    });
  }
  steps_++;
  return true;
}

template <class T>
void Optimizer::apply(Held& held, const GradientSum& gradient, double factor) {
  Tensor& value = held.parameter->value();
  if (held.moments.empty()) held.moments.assign(moment_names_.size(), {});
  Update<T> u;
  for (std::size_t i = 0; i < held.moments.size(); i++) {
    if (!held.moments[i].defined()) held.moments[i] = zeros_of(value.spec());
    u.moments[i] = held.moments[i].mutable_span<T>().data();
  }
  u.value = value.mutable_span<T>().data();
  u.step = ++held.steps;
  u.learning_rate = learning_rate_ * held.learning_rate_scale;
  if (options_.decay == Decay::l2) {
    u.l2 = static_cast<T>(held.weight_decay);
  } else {
    u.keep = static_cast<T>(1 - u.learning_rate * held.weight_decay);
  }
  u.unscaled_gradient = gradient.values.data<T>();
  u.factor = static_cast<T>(factor);
  u.size = value.size();
  if (gradient.sparse) {
    u.rows = &gradient.rows;
    u.width = gradient.values.dim(1);
    // Without moments and decay a zero gradient changes nothing: exact and lazy are one.
    u.rows_only = held.sparse == Sparse::lazy || (moment_names_.empty() && held.weight_decay == 0);
  }
  update(u);
}

void require_in(std::string_view op, std::string_view field, double value, double low,
                double high) {
  require(value >= low && value < high, "{}: .{} is {}; it must be at least {} and below {}", op,
          field, value, low, high);
}

}  // namespace rw::optim
