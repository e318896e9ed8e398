// Gradients of a function of one tensor, as plain numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "rewind/autograd/tape.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/rounding.h"
#include "rewind/tensor/select.h"
#include "support/reference.h"

namespace rw::test {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Values = std::vector<double>;

inline Tensor list(std::initializer_list<double> values) { return tensor(values, float64); }
inline Values values(const Tensor& x) { return reference::array(x).values; }

// The gradient of sum(f(x)).
template <class F>
Values gradient(F f, const Tensor& input) {
  Tape tape;
  const Tensor x = tape.watch(input);
  return values(tape.backward(sum(f(x)))[x]);
}

// The gradient of the sum of the gradient.
template <class F>
Values second(F f, const Tensor& input) {
  Tape tape;
  const Tensor x = tape.watch(input);
  const Tensor dx = tape.backward(sum(f(x)), {.record = true})[x];
  return values(tape.backward(sum(dx) + 0 * sum(where(isnan(x), 0, x)))[x]);
}

inline bool all_finite(const Values& v) {
  return std::all_of(v.begin(), v.end(), [](double x) { return std::isfinite(x); });
}

}  // namespace rw::test
