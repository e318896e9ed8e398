#include "rewind/optim/rmsprop.h"

#include <cmath>

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

void RMSprop::update(const Update<float>& u) const { choose(u); }
void RMSprop::update(const Update<double>& u) const { choose(u); }

template <class T>
void RMSprop::choose(const Update<T>& u) const {
  if (centered_) {
    momentum_ != 0 ? rule<true, true>(u) : rule<true, false>(u);
  } else {
    momentum_ != 0 ? rule<false, true>(u) : rule<false, false>(u);
  }
}

// The choices are made at compile time because no compiler vectorises them inside the loop.
template <bool kCentered, bool kMomentum, class T>
void RMSprop::rule(const Update<T>& u) const {
  const T rate = static_cast<T>(u.learning_rate), epsilon = static_cast<T>(epsilon_);
  const T alpha = static_cast<T>(alpha_), rest = static_cast<T>(1 - alpha_);
  const T momentum = static_cast<T>(momentum_), l2 = u.l2, keep = u.keep;
  u.for_each_run([=, value = u.value, squares = u.moments[0], means = u.moments[kCentered],
                  velocities = u.moments[kCentered + kMomentum]](Index first, Index count,
                                                                 const T* __restrict gradient) {
    T* __restrict p = value + first;
    T* __restrict s = squares + first;
    [[maybe_unused]] T* __restrict a = means + first;
    [[maybe_unused]] T* __restrict b = velocities + first;
    for (Index i = 0; i < count; i++) {
      const T g = gradient[i] + l2 * p[i];
      s[i] = alpha * s[i] + rest * (g * g);
      T variance = s[i];
      if constexpr (kCentered) {
        a[i] = alpha * a[i] + rest * g;
        // Rounding may leave less than nothing of an almost constant gradient.
        variance = std::max(variance - a[i] * a[i], T{0});
      }
      T change = g / (std::sqrt(variance) + epsilon);
      if constexpr (kMomentum) change = b[i] = momentum * b[i] + change;
      p[i] = keep * p[i] - rate * change;
    }
  });
}

}  // namespace rw::optim
