// A planned scan beside the plain loop: everything that can be asked of both.
#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "rewind/autograd/scan.h"
#include "rewind/autograd/tape.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/reduction.h"
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
  Index segments = 0;
  int threads = 1;     // of the planned scan
  bool second = true;  // gradients of gradients, too
  bool states = true;  // the states of every step, too
};

// A scan under a tape, and a loss of all that it gives.
struct ScanRun {
  const Random same{5};
  Tape tape;
  Tensors leaves, weights;  // all that is watched; the weights among it
  Tensors values;           // outputs, last states, and the states of every step
  Tensor loss = zeros({}, float64);
  double seed = 3;

  explicit ScanRun(const ScanCase& c) {
    const Tensors xs = watch(c.xs), initial = watch(c.initial);
    weights = watch(c.weights);
    const auto step = [&](const Tensors& x, const Tensors& state) {
      return c.step(x, state, weights);
    };
    Tensors fresh;
    if (c.reset.defined()) {
      for (const Tensor& x : initial) {
        const Tensor like = is_float(x.dtype()) ? numbers(x.shape(), 77) : zeros(x.shape());
        fresh.push_back(cast(like, x.dtype()));
      }
      fresh = watch(fresh);
    }
    const auto result = scan(step, xs, initial,
                             {.lengths = c.lengths,
                              .reset = c.reset,
                              .fresh = c.reset.defined() ? std::optional(fresh) : std::nullopt,
                              .reverse = c.reverse,
                              .states = c.states,
                              .segments = c.segments});
    values = result.outputs;
    values.insert(values.end(), result.final.begin(), result.final.end());
    values.insert(values.end(), result.states.begin(), result.states.end());
    for (const Tensor& y : values) {
      if (!is_float(y.dtype())) continue;
      const Tensor far = y + 0.3;  // from 0: gradients arrive at padding, too
      loss = loss + sum(to(far * far, float64) * numbers(y.shape(), seed += 1));
    }
  }

  Tensors watch(Tensors tensors) {
    for (Tensor& x : tensors) {
      if (is_float(x.dtype())) leaves.push_back(tape.watch(x));
    }
    return tensors;
  }

  Tensors gradients_of(const Tensor& y, bool record) {
    const Gradients gradients = tape.backward(y, {.record = record});
    Tensors found;
    for (const Tensor& x : leaves) {
      found.push_back(gradients.find(x) ? gradients[x] : zeros(x.shape(), x.dtype()));
    }
    return found;
  }
};

// Everything that can be asked of a scan: results, gradients, and, of a square of those, again.
inline Tensors all_of(const ScanCase& c) {
  ScanRun run(c);
  Tensors values = run.values;
  const Tensors first = run.gradients_of(run.loss, c.second);
  values.insert(values.end(), first.begin(), first.end());
  if (c.second) {
    Tensor penalty = zeros({}, float64);
    for (const Tensor& g : first) {
      penalty = penalty + sum(to(g * g, float64) * numbers(g.shape(), run.seed += 1));
    }
    if (Interpreter::any_holds(penalty.mark())) {
      const Tensors again = run.gradients_of(penalty, false);
      values.insert(values.end(), again.begin(), again.end());
    }
  }
  return values;
}

// The terms of the gradient of each weight, one for each use, and last their sum as the tape has it
// by itself.
inline std::vector<Tensors> terms_of(const ScanCase& c, bool record = false) {
  std::vector<Tensors> all;
  ScanRun run(c);
  std::vector<Variable> weights;
  for (const Tensor& w : run.weights) {
    if (is_float(w.dtype())) weights.push_back(w);
  }
  const Gradients sums = run.tape.backward(run.loss, {.keep = true});
  const Gradients gradients =
      run.tape.backward(run.loss, {.record = record, .per_use = std::move(weights)});
  for (const Tensor& w : run.weights) {
    all.emplace_back();
    if (const Gradient* gradient = gradients.find(w)) {
      for (const Gradient::Term& term : gradient->terms) {
        all.back().push_back(Gradient{gradient->spec, {term}}.dense());
      }
    }
    all.back().push_back(sums[w]);
  }
  return all;
}

// Whether what a scan gives depends on a weight: numbers that are none show in all that does.
inline bool has_effect(ScanCase c, std::size_t weight) {
  const Tensor& w = c.weights[weight];
  c.weights[weight] = full(w.shape(), std::nan(""), w.dtype());
  return std::isnan(ScanRun(c).loss.item());
}

inline void expect_the_terms_of_the_plain_loop(const ScanCase& c, const char* name = "random") {
  const auto planned = terms_of(c);
  const PlainLoops plainly;
  const auto plain = terms_of(c);
  ASSERT_EQ(planned.size(), plain.size()) << name;
  for (std::size_t w = 0; w < plain.size(); w++) {
    SCOPED_TRACE(fmt::format("{} weight {}", name, w));
    EXPECT_LE(largest_difference(planned[w].back(), plain[w].back()), 1e-12);
    // A plan leaves out what has no effect; in a plain loop its terms are zero.
    if (planned[w].size() != plain[w].size()) {
      ASSERT_EQ(planned[w].size(), 1u);
      EXPECT_FALSE(has_effect(c, w));
      continue;
    }
    Tensor total = zeros(plain[w].back().shape(), plain[w].back().dtype());
    for (std::size_t i = 0; i + 1 < plain[w].size(); i++) {
      EXPECT_LE(largest_difference(planned[w][i], plain[w][i]), 1e-12) << "term " << i;
      total = total + planned[w][i];
    }
    EXPECT_LE(largest_difference(total, planned[w].back()), 1e-12);
  }
}

// Within 1e-12 in float64, 5e-6 in float32 of the largest element, or of 1.
inline void expect_the_plain_loop(const ScanCase& c, const std::string& name) {
  SCOPED_TRACE(name + (c.reverse ? " reversed" : "") + (c.lengths.empty() ? "" : " with lengths") +
               (c.reset.defined() ? " with resets" : ""));
  const Tensors planned = [&] {
    const Threads scope(c.threads);
    return all_of(c);
  }();
  const PlainLoops plainly;
  const Tensors plain = all_of(c);
  ASSERT_EQ(planned.size(), plain.size());
  for (std::size_t i = 0; i < plain.size(); i++) {
    ASSERT_EQ(planned[i].spec(), plain[i].spec()) << "value " << i;
    const Dtype dtype = plain[i].dtype();
    const double bound = dtype == float64 ? 1e-12 : dtype == float32 ? 5e-6 : 0;
    EXPECT_LE(largest_difference(planned[i], plain[i]), bound) << "value " << i;
  }
}

}  // namespace rw::test
