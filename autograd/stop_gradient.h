// A constant in the eyes of the tape.
#pragma once

#include "rewind/autograd/rules.h"

namespace [[gnu::visibility("default")]] rw {

// A view of x through which no gradient passes. What a step of a scan computes under `Pause` is
// seen through one, too, since the step is planned as a whole.
struct StopGradient {
  static constexpr std::string_view name = "stop_gradient";
  Tensor view(const Tensor& x) const { return x.view(x.shape(), x.strides(), 0); }
  static void derivative(Rules<StopGradient> d) { d(stop); }
};

inline Tensor stop_gradient(const Tensor& x) { return apply(StopGradient{}, x); }

}  // namespace rw
