// Stochastic gradient descent, plain or with momentum:
//
//   g = gradient + weight_decay * value
//   m = momentum * m + g
//   value -= learning_rate * m                      or, by Nesterov, * (g + momentum * m)
//
// as in Sutskever, Martens, Dahl, Hinton: On the importance of initialization and momentum in deep
// learning, 2013, in the form that PyTorch gave it (the learning rate stays out of m).
#pragma once

#include "rewind/optim/optimizer.h"

namespace rw {
namespace [[gnu::visibility("default")]] optim {

struct SGDOptions {
  double learning_rate = 0.01;
  double momentum = 0;
  bool nesterov = false;  // wants a momentum
  double weight_decay = 0;
  Decay decay = Decay::l2;
  Sparse sparse = Sparse::exact;
  bool skip_non_finite = false;
};

class SGD final : public Optimizer {
 public:
  explicit SGD(std::vector<Parameter> parameters, const SGDOptions& options = {});

 private:
  void update(const Update<float>& u) const override;
  void update(const Update<double>& u) const override;
  template <class T>
  void rule(const Update<T>& u) const;

  double momentum_;
  bool nesterov_;
};

}  // namespace optim
}  // namespace rw
