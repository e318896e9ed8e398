#include "rewind/optim/rmsprop.h"

#include <cmath>

#include "rewind/optim/kernels/rules.h"

namespace rw::optim {
namespace {

// The moments that the options ask for, always in this order.
std::vector<std::string> moments_of(const RMSpropOptions& options) {
  std::vector<std::string> names{"square"};
  if (options.centered) names.push_back("mean");
  if (options.momentum != 0) names.push_back("momentum");
  return names;
}

}  // namespace

RMSprop::RMSprop(std::vector<Parameter> parameters, const RMSpropOptions& options)
    : Optimizer("rmsprop", std::move(parameters),
                {.learning_rate = options.learning_rate,
                 .weight_decay = options.weight_decay,
                 .decay = options.decay,
                 .sparse = options.sparse,
                 .skip_non_finite = options.skip_non_finite},
                moments_of(options)),
      alpha_(options.alpha),
      epsilon_(options.epsilon),
      momentum_(options.momentum),
      centered_(options.centered) {
  require_in("rmsprop", "alpha", alpha_, 0, 1);
  require_in("rmsprop", "epsilon", epsilon_, 0, HUGE_VAL);
  require_in("rmsprop", "momentum", momentum_, 0, 1);
}

void RMSprop::update(const Update<float>& u) const { rule(u); }
void RMSprop::update(const Update<double>& u) const { rule(u); }

template <class T>
void RMSprop::rule(const Update<T>& u) const {
  const kernels::RmspropRule<T> rule{
      .common = kernels::Common<T>(u),
      .alpha = static_cast<T>(alpha_),
      .rest = static_cast<T>(1 - alpha_),
      .epsilon = static_cast<T>(epsilon_),
      .momentum = static_cast<T>(momentum_),
      .centered = centered_,
  };
  update_all(rule, u);
}

}  // namespace rw::optim
