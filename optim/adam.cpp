#include "rewind/optim/adam.h"

#include <cmath>

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
  const T rate = static_cast<T>(u.learning_rate / (1 - std::pow(beta1_, step)));
  const T root = static_cast<T>(1 / std::sqrt(1 - std::pow(beta2_, step)));
  const T beta1 = static_cast<T>(beta1_), rest1 = static_cast<T>(1 - beta1_);
  const T beta2 = static_cast<T>(beta2_), rest2 = static_cast<T>(1 - beta2_);
  const T epsilon = static_cast<T>(epsilon_), l2 = u.l2, keep = u.keep;
  u.for_each_run([=, value = u.value, moment1 = u.moments[0], moment2 = u.moments[1]](
                     Index first, Index count, const T* __restrict gradient) {
    T* __restrict p = value + first;
    T* __restrict m = moment1 + first;
    T* __restrict v = moment2 + first;
    for (Index i = 0; i < count; i++) {
      const T g = gradient[i] + l2 * p[i];
      m[i] = beta1 * m[i] + rest1 * g;
      v[i] = beta2 * v[i] + rest2 * (g * g);
      p[i] = keep * p[i] - rate * m[i] / (root * std::sqrt(v[i]) + epsilon);
    }
  });
}

}  // namespace rw::optim
