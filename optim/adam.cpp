#include "rewind/optim/adam.h"

#include <cmath>

#include "rewind/optim/kernels/rules.h"

namespace rw::optim {

Adam::Adam(std::vector<Parameter> parameters, const AdamOptions& options)
    : Adam("adam", std::move(parameters), options) {}

Adam::Adam(std::string kind, std::vector<Parameter> parameters, const AdamOptions& options)
    : Optimizer(kind, std::move(parameters),
                {.learning_rate = options.learning_rate,
                 .weight_decay = options.weight_decay,
                 .decay = options.decay,
                 .sparse = options.sparse,
                 .skip_non_finite = options.skip_non_finite},
                {"moment1", "moment2"}),
      beta1_(options.beta1),
      beta2_(options.beta2),
      epsilon_(options.epsilon) {
  require_in(kind, "beta1", beta1_, 0, 1);
  require_in(kind, "beta2", beta2_, 0, 1);
  require_in(kind, "epsilon", epsilon_, 0, HUGE_VAL);
}

AdamW::AdamW(std::vector<Parameter> parameters, const AdamWOptions& options)
    : Adam("adamw", std::move(parameters),
           {.learning_rate = options.learning_rate,
            .beta1 = options.beta1,
            .beta2 = options.beta2,
            .epsilon = options.epsilon,
            .weight_decay = options.weight_decay,
            .decay = Decay::decoupled,
            .sparse = options.sparse,
            .skip_non_finite = options.skip_non_finite}) {}

void Adam::update(const Update<float>& u) const { rule(u); }
void Adam::update(const Update<double>& u) const { rule(u); }

template <class T>
void Adam::rule(const Update<T>& u) const {
  const auto step = static_cast<double>(u.step);
  kernels::Common<T> common(u);
  common.rate = static_cast<T>(u.learning_rate / (1 - std::pow(beta1_, step)));
  const kernels::AdamRule<T> rule{
      .common = common,
      .beta1 = static_cast<T>(beta1_),
      .rest1 = static_cast<T>(1 - beta1_),
      .beta2 = static_cast<T>(beta2_),
      .rest2 = static_cast<T>(1 - beta2_),
      .root = static_cast<T>(1 / std::sqrt(1 - std::pow(beta2_, step))),
      .epsilon = static_cast<T>(epsilon_),
  };
  update_all(rule, u);
}

}  // namespace rw::optim
