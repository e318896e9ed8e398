#include "rewind/optim/sgd.h"

namespace rw::optim {

SGD::SGD(std::vector<Parameter> parameters, const SGDOptions& options)
    : Optimizer("sgd", std::move(parameters),
                {.learning_rate = options.learning_rate,
                 .weight_decay = options.weight_decay,
                 .decay = options.decay,
                 .sparse = options.sparse,
                 .skip_non_finite = options.skip_non_finite},
                options.momentum == 0 ? std::vector<std::string>{}
                                      : std::vector<std::string>{"momentum"}),
      momentum_(options.momentum),
      nesterov_(options.nesterov) {
  require_in("sgd", "momentum", momentum_, 0, 1);
  require(!nesterov_ || momentum_ > 0, "sgd: .nesterov wants a .momentum above 0");
}

void SGD::update(const Update<float>& u) const { rule(u); }
void SGD::update(const Update<double>& u) const { rule(u); }

template <class T>
void SGD::rule(const Update<T>& u) const {
  const T rate = static_cast<T>(u.learning_rate), momentum = static_cast<T>(momentum_);
  const T l2 = u.l2, keep = u.keep;
  if (momentum_ == 0) {
    u.for_each_run([=, value = u.value](Index first, Index count, const T* __restrict gradient) {
      T* __restrict p = value + first;
      for (Index i = 0; i < count; i++) p[i] = keep * p[i] - rate * (gradient[i] + l2 * p[i]);
    });
    return;
  }
  const T of_gradient = nesterov_ ? 1 : 0, of_momentum = nesterov_ ? momentum : 1;
  u.for_each_run([=, value = u.value, moment = u.moments[0]](Index first, Index count,
                                                             const T* __restrict gradient) {
    T* __restrict p = value + first;
    T* __restrict m = moment + first;
    for (Index i = 0; i < count; i++) {
      const T g = gradient[i] + l2 * p[i];
      m[i] = momentum * m[i] + g;
      p[i] = keep * p[i] - rate * (of_gradient * g + of_momentum * m[i]);
    }
  });
}

}  // namespace rw::optim
