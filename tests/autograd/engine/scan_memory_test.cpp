// The memory of scans, while they run forward and back.
#include <gtest/gtest.h>

#include "autograd/engine/looks_at.h"
#include "autograd/engine/scan_comparison.h"
#include "rewind/nn/elman.h"
#include "rewind/nn/gru.h"
#include "rewind/nn/lstm.h"
#include "rewind/tensor/memory.h"
#include "rewind/tensor/unary.h"
#include "rewind/tensor/views.h"

namespace rw::test {
namespace {

std::size_t most_bytes = 0;

constexpr Index kHidden = 64, kBatch = 4;

const Tensor& hidden(const Tensor& state) { return state; }
const Tensor& hidden(const nn::LSTMCell::State& state) { return state.h; }

// The cell, with outputs that look at what happens: before the loop and after it, forward and back.
template <class C>
auto watched(const C& cell) {
  return [&cell](const Tensor& x, const typename C::State& s) {
    typename C::State next = cell.step(x, s);
    const Tensor first = slice(x, 1, 0, 1), last = slice(hidden(next), 1, 0, 1);
    return std::pair(std::move(next), Tensors{apply(LooksAt{}, first), apply(LooksAt{}, last)});
  };
}

// The most that a forward pass and its rewind have in use at a time, in bytes; the gradient of x
// included, which has as many features as the cell has units, or one.
template <class C>
std::size_t peak(Index time, Index segments, Index features = kHidden) {
  Rng rng(1);
  const C cell(features, kHidden, rng);
  const Tensor xs = ones({time, kBatch, features});
  const auto run = [&] {
    Tape tape;
    const auto result =
        scan(watched(cell), tape.watch(xs), cell.initial(kBatch), {.segments = segments});
    (void)tape.backward(sum(square(hidden(result.final))) + sum(result.outputs[0]) +
                        sum(result.outputs[1]));
  };
  run();  // what is remembered from call to call
  const std::size_t before = memory::bytes_in_use();
  most_bytes = 0;
  LooksAt::in_passing = [] { most_bytes = std::max(most_bytes, memory::bytes_in_use()); };
  run();
  LooksAt::in_passing = [] {};
  return most_bytes - before;
}

// Floats for each step and row, over so many units, of steps beyond those of a stretch.
template <class C>
double floats_of_a_unit() {
  constexpr Index kTime = 3072, kShort = 1024;
  const std::size_t more = peak<C>(kTime, 0) - peak<C>(kShort, 0);
  return static_cast<double>(more) / static_cast<double>(sizeof(float) * (kTime - kShort)) /
         static_cast<double>(kHidden * kBatch);
}

// The gates, c and h, or the gates, h U and h, or h, and at most 15 % more: the gradient of x lies
// where states lay, and that of the gates is of one stretch of time.
TEST(ScanMemory, IsWhatIsKept) {
  EXPECT_LE(floats_of_a_unit<nn::LSTMCell>(), 1.15 * 6);
  EXPECT_LE(floats_of_a_unit<nn::GRUCell>(), 1.15 * 5);
  EXPECT_LE(floats_of_a_unit<nn::ElmanCell>(), 1.15 * 1);
}

// A state for each of sqrt(time) segments, and what the steps of one of them keep.
TEST(ScanMemory, OfSegmentsIsThatOfTwiceTheRootOfTheSteps) {
  constexpr Index kTime = 1024, kRoot = 32;
  const std::size_t whole = peak<nn::LSTMCell>(kTime, 0, 1),
                    short_one = peak<nn::LSTMCell>(kRoot, 0, 1);
  const std::size_t of_a_step = (whole - short_one) / (kTime - kRoot);
  EXPECT_GE(of_a_step, 6 * kHidden * kBatch * sizeof(float));  // four gates and two states
  EXPECT_LE(peak<nn::LSTMCell>(kTime, kRoot, 1), short_one + kRoot * of_a_step);
}

}  // namespace
}  // namespace rw::test
