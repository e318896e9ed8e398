// RMSprop (Hinton's lecture 6e, 2012; Graves: Generating sequences with recurrent neural networks,
// 2013, for the centered form and the momentum):
//
//   g = gradient + weight_decay * value
//   s = alpha * s + (1 - alpha) * g^2
//   a = alpha * a + (1 - alpha) * g                 centered only, else 0
//   b = momentum * b + g / (sqrt(s - a^2) + epsilon)
//   value -= learning_rate * b
#pragma once

#include "rewind/optim/optimizer.h"

namespace rw {
namespace [[gnu::visibility("default")]] optim {

struct RMSpropOptions {
  double learning_rate = 0.01;
  double alpha = 0.99;
  double epsilon = 1e-8;
  double momentum = 0;
  bool centered = false;
  double weight_decay = 0;
  Decay decay = Decay::l2;
  Sparse sparse = Sparse::exact;
  bool skip_non_finite = false;
};

class RMSprop final : public Optimizer {
 public:
  explicit RMSprop(std::vector<Parameter> parameters, const RMSpropOptions& options = {});

 private:
  void update(const Update<float>& u) const override;
  void update(const Update<double>& u) const override;
  template <class T>
  void rule(const Update<T>& u) const;

  double alpha_, epsilon_, momentum_;
  bool centered_;
};

}  // namespace optim
}  // namespace rw
