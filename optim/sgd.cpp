#include "rewind/optim/sgd.h"

#include "rewind/optim/kernels/rules.h"

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
  update_all(kernels::SgdRule<T>{kernels::Common<T>(u), static_cast<T>(momentum_), nesterov_}, u);
}

}  // namespace rw::optim
