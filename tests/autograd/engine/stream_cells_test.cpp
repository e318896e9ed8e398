// Streams beside scans, bit for bit, for cells of every form.
#include <gtest/gtest.h>

#include "autograd/engine/cell_cases.h"
#include "autograd/engine/stream_comparison.h"
#include "autograd/engine/wide_cells.h"
#include "rewind/tensor/cumsum.h"
#include "support/allocations.h"
#include "support/locks.h"

namespace rw::test {
namespace {

TEST(StreamCells, HaveTheBitsOfTheirScans) {
  for (const NamedCase& cell : all_cells()) {
    SCOPED_TRACE(cell.name);
    const ScanCase& c = cell.scan;
    expect_the_bits_of_the_scan(c.xs[0], c.initial, c.weights, c.step);
  }
}

// Several rows of a product for each row of the batch.
TEST(StreamCells, MultiplyByTheKernelOfTheScanWhatTheyArrangeAnew) {
  constexpr Index kLong = 900, kWide = 19;
  const auto cell = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor both = matmul(reshape(x[0], {2 * B, kLong}), w[0]);
    const Tensor h = tanh(reshape(both, {B, 2 * kWide}) + s[0]);
    const Tensor head = matmul(reshape(h, {2 * B, kWide}), w[1]);
    return {{h}, {h, reshape(head, {B, 2 * kLong})}};
  };
  expect_the_bits_of_the_scan(numbers({T, B, 2 * kLong}, 1), {numbers({B, 2 * kWide}, 2)},
                              weights({{kLong, kWide}, {kWide, kLong}}), cell);
}

// The same context for all rows, read before the loop for all steps at once.
TEST(StreamCells, ReadAContextOfTheirInputWithTheBitsOfTheScan) {
  const auto cell = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor scores = softmax(matmul(reshape(x[0], {B, 1, I}), w[0]), -1);
    const Tensor read = reshape(matmul(scores, w[1]), {B, H});
    const Tensor h = tanh(read + matmul(s[0], w[2]));
    return {{h}, {h}};
  };
  constexpr Index kEntries = 301;
  expect_the_bits_of_the_scan(inputs()[0], states({H}),
                              weights({{I, kEntries}, {kEntries, H}, {H, H}}), cell);
}

// By a matrix that is the same at every step.
TEST(StreamCells, MultiplyRowsThatStandInTheMiddleWithTheBitsOfTheScan) {
  constexpr Index kWide = 300;
  const auto cell = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor u = unsqueeze(s[0], 0);
    const Tensor h = tanh(matmul(x[0], w[0]) + squeeze(cumsum(u, 0), 0) * 0.5);
    return {{h}, {transpose(matmul(u, w[1]), 0, 1)}};
  };
  for (const Index rows : {Index{1}, B}) {
    SCOPED_TRACE(rows);
    expect_the_bits_of_the_scan(numbers({T, rows, I}, 1), {numbers({rows, kWide}, 2)},
                                weights({{I, kWide}, {kWide, K}}), cell);
  }
}

// BLAS would round some of them by the rows of all steps, and others by how their matrices lie.
TEST(StreamCells, MultiplyByOtherMatricesWithTheBitsOfTheScan) {
  for (const wide::Cell& cell : wide::cells_of_other_products()) {
    for (const Dtype dtype : {float32, float64}) {
      SCOPED_TRACE(fmt::format("{} of {}", cell.name, name_of(dtype)));
      const ScanCase c = wide::scan_case(cell, dtype);
      expect_the_bits_of_the_scan(c.xs[0], c.initial, c.weights, c.step);
    }
  }
}

TEST(StreamCells, OfTwoProductsOfTheInputAddThemAsTheScanDoes) {
  const auto cell = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor from_x = matmul(x[0], w[0]) + matmul(tanh(x[0]), w[1]);
    const Tensor h = tanh(from_x + matmul(s[0], w[2]));
    return {{h}, {matmul(h, w[2]) + matmul(x[0], w[3])}};
  };
  expect_the_bits_of_the_scan(numbers({T, B, 40}, 1), {numbers({B, H}, 2)},
                              weights({{40, H}, {40, H}, {H, H}, {40, H}}), cell);
}

// What is asked for on a new thread by steps from numbers to numbers.
struct Asked {
  std::size_t memory, locks;
};

Asked asked_by_steps(const ScanCase& c) {
  const auto step = [&](const Tensor& x, const Tensors& state) {
    auto [next, y] = c.step({x}, state, c.weights);
    return std::pair(next, y[0]);
  };
  auto player = stream(step, c.xs[0][0], c.initial);
  const std::vector<double> in(B * I, 0.5);
  std::vector<double> out(static_cast<std::size_t>(player.output_spec().shape.count()));
  const auto play = [&] {
    for (int i = 0; i < 3; i++) player.step(in, out);
  };
  return {allocations_of(play), kLocksAreCounted ? locks_of(play) : 0};
}

Results noisy(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor mask = bernoulli(s[0].shape(), {.p = 0.7, .dtype = float64});
  const Tensor h = tanh(matmul(x[0], w[0]) + matmul(s[0] * mask / 0.7, w[1]) + w[2]);
  return {one(h), one(softmax(h + 0.1 * normal(h.shape(), {.dtype = float64}), -1))};
}

// But for products with a matrix that each row has of its own: these are BLAS's.
TEST(StreamCells, TakeNeitherMemoryNorALockForOrdinaryKernels) {
  std::vector<NamedCase> cells = cells_named({"layer norm", "head", "batch norm", "several entries",
                                              "operation of a user", "views", "dropped"});
  cells.push_back({"noise", {inputs(), states({H}), kSimple, noisy}});
  for (const NamedCase& cell : cells) {
    SCOPED_TRACE(cell.name);
    const Asked asked = asked_by_steps(cell.scan);
    EXPECT_EQ(asked.memory, 0u);
    EXPECT_EQ(asked.locks, 0u);
  }
}

}  // namespace
}  // namespace rw::test
