// An optimizer made outside of the library, which knows nothing of limits.
#pragma once

#include "rewind/optim/optimizer.h"

namespace rw::optim {

class PlainDescent final : public Optimizer {
 public:
  explicit PlainDescent(std::vector<Parameter> parameters)
      : Optimizer("plain", std::move(parameters), {.learning_rate = 0.5}, {}) {}

 private:
  void update(const Update<float>& u) const override { rule(u); }
  void update(const Update<double>& u) const override { rule(u); }
  template <class T>
  static void rule(const Update<T>& u) {
    u.for_each_run([&u](Index first, Index count, const T* g) {
      for (Index i = 0; i < count; i++)
        u.value[first + i] -= static_cast<T>(u.learning_rate) * g[i];
    });
  }
};

}  // namespace rw::optim
