// Adam (Kingma, Ba: Adam: a method for stochastic optimization, 2015):
//
//   g = gradient + weight_decay * value
//   m = beta1 * m + (1 - beta1) * g
//   v = beta2 * v + (1 - beta2) * g^2
//   value -= learning_rate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
//
// where t counts the steps of this parameter. AdamW is the same with decoupled weight decay.
#pragma once

#include "rewind/optim/optimizer.h"

namespace rw {
namespace [[gnu::visibility("default")]] optim {

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  Decay decay = Decay::l2;
  Sparse sparse = Sparse::exact;
  bool skip_non_finite = false;
};

class Adam : public Optimizer {
 public:
  explicit Adam(std::vector<Parameter> parameters, const AdamOptions& options = {});

 protected:
  Adam(std::string kind, std::vector<Parameter> parameters, const AdamOptions& options);

 private:
  void update(const Update<float>& u) const final;
  void update(const Update<double>& u) const final;
  template <class T>
  void rule(const Update<T>& u) const;

  double beta1_, beta2_, epsilon_;
};

struct AdamWOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
  Sparse sparse = Sparse::exact;
  bool skip_non_finite = false;
};

class AdamW final : public Adam {
 public:
  explicit AdamW(std::vector<Parameter> parameters, const AdamWOptions& options = {});
};

}  // namespace optim
}  // namespace rw
