// A planned scan beside the plain loop: everything that can be asked of both.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "rewind/autograd/scan.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/extrema.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/rounding.h"
#include "support/compare.h"

namespace rw::test {

using Tensors = std::vector<Tensor>;

inline Tensor numbers(const Dims& shape, double seed) {
  Tensor x = zeros(shape, float64);
  double k = seed;
  for (double& v : x.mutable_span<double>()) v = 0.6 * std::sin(k += 1.7);
  return x;
}

// A step on lists of tensors: {x, weights} and {state...} to {state...}, {outputs...}.
struct ScanCase {
  Tensors xs, initial, weights;
  std::function<std::pair<Tensors, Tensors>(const Tensors& x, const Tensors& state,
                                            const Tensors& weights)>
      step;
  bool reverse = false;
  Lengths lengths = {};
  Tensor reset = {};
};

// Everything that can be asked of a scan: results, gradients, and, of a square of those, again.
inline Tensors all_of(const ScanCase& c, bool second) {
  const Random same(5);
  Tape tape;
  Tensors leaves;
  const auto watch = [&](Tensors values) {
    for (Tensor& x : values) {
      if (is_float(x.dtype())) leaves.push_back(tape.watch(x));
    }
    return values;
  };
  const Tensors xs = watch(c.xs), initial = watch(c.initial), weights = watch(c.weights);
  const auto step = [&](const Tensors& x, const Tensors& state) {
    return c.step(x, state, weights);
  };
  Tensors fresh;
  if (c.reset.defined()) {
    for (const Tensor& x : initial) {
      fresh.push_back(is_float(x.dtype()) ? numbers(x.shape(), 77) : zeros(x.shape(), x.dtype()));
    }
    fresh = watch(fresh);
  }
  const auto result = scan(step, xs, initial,
                           {.lengths = c.lengths,
                            .reset = c.reset,
                            .fresh = c.reset.defined() ? std::optional(fresh) : std::nullopt,
                            .reverse = c.reverse,
                            .states = true});

  Tensors values = result.outputs;
  values.insert(values.end(), result.final.begin(), result.final.end());
  values.insert(values.end(), result.states.begin(), result.states.end());
  Tensor loss = zeros({}, float64);
  double seed = 3;
  for (const Tensor& y : values) {
    if (is_float(y.dtype())) loss = loss + sum(y * y * numbers(y.shape(), seed += 1));
  }
  const auto gradients_of = [&](const Tensor& y, bool record) {
    const Gradients gradients = tape.backward(y, {.record = record});
    Tensors found;
    for (const Tensor& x : leaves) {
      found.push_back(gradients.find(x) ? gradients[x] : zeros(x.shape(), x.dtype()));
    }
    return found;
  };
  const Tensors first = gradients_of(loss, second);
  values.insert(values.end(), first.begin(), first.end());
  if (second) {
    Tensor penalty = zeros({}, float64);
    for (const Tensor& g : first) penalty = penalty + sum(g * g * numbers(g.shape(), seed += 1));
    if (Interpreter::any_holds(penalty.mark())) {
      const Tensors again = gradients_of(penalty, false);
      values.insert(values.end(), again.begin(), again.end());
    }
  }
  return values;
}

inline void expect_the_plain_loop(const ScanCase& c, const char* name) {
  const Tensors planned = all_of(c, true);
  const PlainLoops plainly;
  const Tensors plain = all_of(c, true);
  ASSERT_EQ(planned.size(), plain.size()) << name;
  for (std::size_t i = 0; i < plain.size(); i++) {
    ASSERT_EQ(planned[i].spec(), plain[i].spec()) << name << " value " << i;
    if (!is_float(plain[i].dtype())) {
      EXPECT_TRUE(all(equal(planned[i], plain[i])).item()) << name << " value " << i;
      continue;
    }
    const double size = 1 + max(abs(plain[i])).item();
    EXPECT_LE(largest_difference(planned[i], plain[i]) / size, 1e-12)
        << name << (c.reverse ? " reversed" : "") << (c.lengths.empty() ? "" : " with lengths")
        << (c.reset.defined() ? " with resets" : "") << " value " << i;
  }
}

}  // namespace rw::test
