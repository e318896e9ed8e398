// Products of more than two axes: as matrices, they are the plain loop, with lengths, too, and give
// a row the same bits in any batch and in a stream.
#include <gtest/gtest.h>

#include "autograd/engine/plans_of.h"
#include "autograd/engine/stream_comparison.h"

namespace rw::test {
namespace {

using Const = const Tensors&;

constexpr Index kHeads = 4;

// What a cell makes of rows that stand behind another axis, summed over that.
Results over_heads(const Tensor& y, Const x, Const s, Const w) {
  const Tensor h = tanh(matmul(x[0], w[0]) + sum(y, 0) + 0.3 * s[0]);
  return {one(h), {h, transpose(y, 0, 1)}};
}

std::vector<NamedCase> cells() {
  const auto cell = [](const char* name, const Dims& shape, auto step) {
    return NamedCase{name, {inputs(), states({H}), weights({{I, H}, shape}), step}};
  };
  return {
      cell("all heads of one row", {kHeads, H, H},
           [](Const x, Const s, Const w) {
             return over_heads(matmul(unsqueeze(s[0], 0), w[1]), x, s, w);
           }),
      cell("all heads of a matrix", {kHeads, H, H},
           [](Const x, Const s, Const w) { return over_heads(matmul(s[0], w[1]), x, s, w); }),
      cell("one matrix", {1, H, H},
           [](Const x, Const s, Const w) { return over_heads(matmul(s[0], w[1]), x, s, w); }),
      cell("of what is stacked", {2, H, H},
           [](Const x, Const s, Const w) {
             return over_heads(matmul(stack({s[0], tanh(s[0])}, 0), w[1]), x, s, w);
           }),
      cell("rows in the middle", {H, H},
           [](Const x, Const s, Const w) {
             return over_heads(matmul(stack({s[0], tanh(s[0])}, 0), w[1]), x, s, w);
           }),
      cell("rows in the middle by a column", {H, 1},
           [](Const x, Const s, Const w) {
             const Tensor both = stack({s[0], tanh(s[0])}, 0);
             return over_heads(both * matmul(both, w[1]), x, s, w);
           }),
      cell("rows in the middle by a vector", {H},
           [](Const x, Const s, Const w) {
             const Tensor both = stack({s[0], tanh(s[0])}, 0);
             return over_heads(both * unsqueeze(matmul(both, w[1]), 2), x, s, w);
           }),
  };
}

TEST(PlainProducts, AreThePlainLoopInEveryWay) {
  for (const NamedCase& cell : cells()) {
    for (const ScanCase& way : every_way(cell)) expect_the_plain_loop(way, cell.name);
  }
}

TEST(PlainProducts, KeepRowsApartOnTheWayBack) {
  for (const NamedCase& cell : cells()) {
    SCOPED_TRACE(cell.name);
    const Plans plans = plans_of(cell.scan);
    EXPECT_EQ(plans.forward->program().mixing, "");
    EXPECT_EQ(plans.backward->recurrence->program().mixing, "");
    EXPECT_TRUE(plans.backward->recurrence->program().fates.accumulated.empty());
  }
}

// The same cell with wide heads, so that a sum in another order would show, and any number of rows.
ScanCase wide(const NamedCase& cell, Index rows) {
  constexpr Index kWide = 301;
  ScanCase c = cell.scan;
  c.xs = {numbers({T, B, I}, 1)};
  c.initial = {numbers({B, kWide}, 2)};
  Dims shape = c.weights[1].shape();
  for (int i = 0; i < shape.rank(); i++) {
    if (shape[i] == H) shape.set(i, kWide);
  }
  c.weights = {numbers({I, kWide}, 3), numbers(shape, 4) * 0.1};
  c.xs[0] = contiguous(slice(c.xs[0], 1, 0, rows));
  c.initial[0] = contiguous(slice(c.initial[0], 0, 0, rows));
  return c;
}

TEST(PlainProducts, HaveTheSameBitsInAStream) {
  for (const NamedCase& cell : cells()) {
    SCOPED_TRACE(cell.name);
    for (const Index rows : {Index{1}, B}) {
      const ScanCase c = wide(cell, rows);
      expect_the_bits_of_the_scan(c.xs[0], c.initial, c.weights, c.step);
    }
  }
}

TEST(PlainProducts, GiveARowTheSameBitsAloneAndAmongOthers) {
  for (const NamedCase& cell : cells()) {
    SCOPED_TRACE(cell.name);
    const auto outputs = [&](Index rows) {
      const ScanCase c = wide(cell, rows);
      const auto step = [&](const Tensor& x, const Tensors& s) {
        return c.step({x}, s, c.weights);
      };
      return scan(step, c.xs[0], c.initial).outputs;
    };
    const Tensors alone = outputs(1), among = outputs(B);
    for (std::size_t i = 0; i < alone.size(); i++) {
      EXPECT_EQ(elements(alone[i]), elements(slice(among[i], 1, 0, 1))) << "output " << i;
    }
  }
}

}  // namespace
}  // namespace rw::test
