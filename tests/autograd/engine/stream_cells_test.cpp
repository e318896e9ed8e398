// Streams beside scans, bit for bit, for cells of every form.
#include <gtest/gtest.h>

#include "autograd/engine/cells.h"
#include "autograd/engine/stream_comparison.h"
#include "rewind/tensor/cumsum.h"
#include "support/allocations.h"
#include "support/locks.h"

namespace rw::test {
namespace {

using CellStep = decltype(ScanCase::step);

TEST(StreamCells, HaveTheBitsOfTheirScans) {
  const Dims gate{I + H, H}, bias{H}, wide{4 * H};
  const auto expect = [](const char* name, const Tensors& initial, const Tensors& w,
                         const CellStep& cell) {
    SCOPED_TRACE(name);
    expect_the_bits_of_the_scan(inputs()[0], initial, w, cell);
  };
  expect("elman", states({H}), kSimple, elman);
  expect("lstm", states({H, H}), kLstm, lstm_of_two_products);
  expect("four gates", states({H, H}), weights({gate, gate, gate, gate, bias, bias, bias, bias}),
         lstm_of_four_gates);
  expect("peephole", states({H, H}), weights({{I, 4 * H}, {H, 4 * H}, wide, bias, bias, bias}),
         peephole);
  expect("layer norm", states({H, H}),
         weights({{I, 4 * H}, {H, 4 * H}, wide, wide, wide, wide, bias, bias}), layer_norm_lstm);
  expect("gru before", states({H}), weights({{I, 3 * H}, {H, 2 * H}, {H, H}, {3 * H}}), gru_before);
  expect("gru after", states({H}), weights({{I, 3 * H}, {H, 3 * H}, {3 * H}, {3 * H}}), gru_after);
  expect("minimal gated", states({H}), weights({gate, bias, gate, bias}), minimal_gated);
  expect("attention", states({H}),
         weights({{B, S, K}, {K, K}, {H, K}, {I, H}, {K, H}, {H, H}, {K, 1}}), additive_attention);
  expect("dot attention", states({H}), weights({{B, S, K}, {K, K}, {H, K}, {I, H}, {K, H}, {H, H}}),
         dot_attention);
  expect("context", states({H}), weights({{I, H}, {H, H}, {H, H}, {B, H}}), captured_context);
  expect("two states", states({H, K}), weights({{H, H}, {K, H}, {H, K}, {K, K}, {I, H}, {H}, {K}}),
         two_states);
  expect("residual", states({H}), weights({gate, bias, {H, H}}), residual);
  expect("twice", states({H}), weights({{H, H}, {H}}), weight_used_twice);
  expect("head", states({H}), weights({{I, H}, {H, H}, {H}, {H, V}, {V}}), head_inside);
  expect("layers of the input", states({H}), weights({{I, H}, {H}, {H, H}, {H, H}}),
         layers_of_the_input);
  expect("views", states({H}), {}, nothing_but_views);
  expect("batch norm", states({H}), weights({{I, H}, {H, H}}), batch_norm);
  expect("several entries", states({I * K}), weights({{1, K}, {K, K}, {B * I, K}}),
         several_entries_a_row);
  expect("operation of a user", states({H}), kSimple, operation_of_a_user);
  expect("dropped", states({H}), kSimple, dropped);
}

TEST(StreamCells, OfIntegersHaveTheBitsOfTheirScans) {
  Tensor tokens = zeros({T, B}, int64);
  Index i = 0;
  for (Index& token : tokens.mutable_span<Index>()) token = (3 * i++) % V;
  expect_the_bits_of_the_scan(tokens, states({H}), weights({{I, H}, {H, H}, {H}, {V, I}}), symbols);
  Tensors six = states({H, H, H, H, H, H});
  six[1] = zeros({B, 2}, int64);
  expect_the_bits_of_the_scan(inputs()[0], six, weights({{H, H}, {I, H}}), many_states);
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

Asked asked_by_steps(const Tensors& initial, const Tensors& w, const CellStep& cell) {
  const auto step = [&](const Tensor& x, const Tensors& state) {
    auto [next, y] = cell({x}, state, w);
    return std::pair(next, y[0]);
  };
  auto player = stream(step, inputs()[0][0], initial);
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

// But for products of matrices that change: these are BLAS's.
TEST(StreamCells, TakeNeitherMemoryNorALockForOrdinaryKernels) {
  const auto expect = [](const char* name, const Tensors& initial, const Tensors& w,
                         const CellStep& cell) {
    SCOPED_TRACE(name);
    const Asked asked = asked_by_steps(initial, w, cell);
    EXPECT_EQ(asked.memory, 0u);
    EXPECT_EQ(asked.locks, 0u);
  };
  expect("layer norm", states({H, H}),
         weights({{I, 4 * H}, {H, 4 * H}, {4 * H}, {4 * H}, {4 * H}, {4 * H}, {H}, {H}}),
         layer_norm_lstm);
  expect("head", states({H}), weights({{I, H}, {H, H}, {H}, {H, V}, {V}}), head_inside);
  expect("batch norm", states({H}), weights({{I, H}, {H, H}}), batch_norm);
  expect("several entries", states({I * K}), weights({{1, K}, {K, K}, {B * I, K}}),
         several_entries_a_row);
  expect("operation of a user", states({H}), kSimple, operation_of_a_user);
  expect("noise", states({H}), kSimple, noisy);
  expect("views", states({H}), {}, nothing_but_views);
}

}  // namespace
}  // namespace rw::test
