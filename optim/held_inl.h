// A parameter in the hands of an optimizer, with what the optimizer remembers of it.
#pragma once

#include "rewind/optim/optimizer.h"

namespace rw::optim {

// Counts among the holders of a parameter as long as it lives.
class Hold {
 public:
  explicit Hold(Parameter parameter) : parameter_(std::move(parameter)) {
    parameter_.state().holders.fetch_add(1);
  }
  ~Hold() {
    if (parameter_.defined()) parameter_.state().holders.fetch_sub(1);
  }
  Hold(Hold&&) noexcept = default;
  Hold& operator=(Hold&& other) noexcept {
    std::swap(parameter_, other.parameter_);
    return *this;
  }

  Parameter& operator*() { return parameter_; }
  const Parameter& operator*() const { return parameter_; }
  Parameter* operator->() { return &parameter_; }
  const Parameter* operator->() const { return &parameter_; }

 private:
  Parameter parameter_;
};

struct Optimizer::Held {
  Hold parameter;
  double weight_decay;
  Sparse sparse;
  double learning_rate_scale = 1;
  Index steps = 0;
  std::vector<Tensor> moments = {};  // empty before the first step
};

}  // namespace rw::optim
