// Derivatives of derivatives of derivatives: the scan of a scan of a scan, beside plain loops and
// beside differences of the second derivative.
#include <gtest/gtest.h>

#include "autograd/engine/cell_cases.h"

namespace rw::test {
namespace {

struct Derivatives {
  double second;  // along fixed directions
  Tensors third;  // the gradient of that by inputs, initial states and weights
};

Derivatives derivatives(const ScanCase& c) {
  Tape tape;
  Tensors leaves;
  const auto watch = [&](Tensors values) {
    for (Tensor& x : values) leaves.push_back(tape.watch(x));
    return values;
  };
  const Tensors xs = watch(c.xs), initial = watch(c.initial), weights = watch(c.weights);
  const auto step = [&](const Tensors& x, const Tensors& state) {
    return c.step(x, state, weights);
  };
  const auto result = scan(step, xs, initial, {.lengths = c.lengths, .reverse = c.reverse});
  Tensor y = sum(result.outputs[0] * numbers(result.outputs[0].shape(), 3)) +
             sum(result.final.back() * numbers(result.final.back().shape(), 4));
  for (const double seed : {5.0, 6.0}) {
    const Gradients gradients = tape.backward(y, {.record = true});
    y = zeros({}, float64);
    for (const Tensor& x : leaves) y = y + sum(gradients[x] * numbers(x.shape(), seed));
  }
  const Gradients gradients = tape.backward(y);
  Derivatives found{y.item(), {}};
  for (const Tensor& x : leaves) found.third.push_back(gradients[x]);
  return found;
}

// All leaves moved along a direction of numbers that differ.
ScanCase moved(ScanCase c, double by) {
  for (Tensors* part : {&c.xs, &c.initial, &c.weights}) {
    for (Tensor& x : *part) x = x + by * numbers(x.shape(), 9);
  }
  return c;
}

void expect_third_derivatives(const ScanCase& c) {
  const Derivatives planned = derivatives(c);
  double along = 0;
  for (const Tensor& g : planned.third) along += sum(g * numbers(g.shape(), 9)).item();
  const double step = 1e-4;
  const auto at = [&](double by) { return derivatives(moved(c, by)).second; };
  // Of order four: its error is that of rounding.
  const double difference =
      (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);
  EXPECT_GT(std::abs(along), 0.1);
  EXPECT_NEAR(along, difference, 1e-9 * (1 + std::abs(along)));

  const PlainLoops plainly;
  const Derivatives plain = derivatives(c);
  EXPECT_NEAR(planned.second, plain.second, 1e-12 * (1 + std::abs(plain.second)));
  for (std::size_t i = 0; i < plain.third.size(); i++) {
    EXPECT_LE(largest_difference(planned.third[i], plain.third[i]), 1e-12) << "leaf " << i;
  }
}

TEST(PlannedThirdDerivatives, AreThoseOfThePlainLoopAndOfDifferences) {
  for (const NamedCase& cell : cells_named({"lstm", "gru after", "minimal gated"})) {
    for (const bool reverse : {false, true}) {
      ScanCase c = cell.scan;
      c.reverse = reverse;
      SCOPED_TRACE(cell.name + (reverse ? " reversed" : ""));
      EXPECT_NO_THROW(expect_third_derivatives(c));
      c.lengths = {3, 0, 4};
      EXPECT_NO_THROW(expect_third_derivatives(c)) << "with lengths";
    }
  }
}

}  // namespace
}  // namespace rw::test
