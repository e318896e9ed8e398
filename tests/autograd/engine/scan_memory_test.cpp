// The memory of scans, while they run forward and back.
#include <gtest/gtest.h>

#include "autograd/engine/looks_at.h"
#include "autograd/engine/scan_comparison.h"
#include "rewind/nn/lstm.h"
#include "rewind/tensor/memory.h"
#include "rewind/tensor/unary.h"

namespace rw::test {
namespace {

std::size_t most_bytes = 0;

constexpr Index kHidden = 64, kBatch = 4;

// The most that a forward pass and its rewind have in use at a time, in bytes.
std::size_t peak(Index time, Index segments) {
  Rng rng(1);
  const nn::LSTMCell cell(1, kHidden, rng);
  const Tensor xs = ones({time, kBatch, 1});
  const auto step = [&](const Tensor& x, const nn::LSTMCell::State& s) {
    const nn::LSTMCell::State next = cell.step(x, s);
    return std::pair(nn::LSTMCell::State{apply(LooksAt{}, next.h), next.c}, Tensors{});
  };
  const auto run = [&] {
    Tape tape;
    const auto last = scan(step, xs, cell.initial(kBatch), {.segments = segments}).final;
    (void)tape.backward(sum(square(last.h)));
  };
  run();  // what is remembered from call to call
  const std::size_t before = memory::bytes_in_use();
  most_bytes = 0;
  LooksAt::in_passing = [] { most_bytes = std::max(most_bytes, memory::bytes_in_use()); };
  run();
  LooksAt::in_passing = [] {};
  return most_bytes - before;
}

// The gates, c and h: their gradients lie over the gates.
TEST(ScanMemory, OfAnLstmIsWhatItKeeps) {
  constexpr Index kTime = 512, kShort = 128;
  const std::size_t of_a_step = (peak(kTime, 0) - peak(kShort, 0)) / (kTime - kShort);
  EXPECT_LE(of_a_step, 69 * kHidden * kBatch * sizeof(float) / 10);
}

// A state for each of sqrt(time) segments, and what the steps of one of them keep.
TEST(ScanMemory, OfSegmentsIsThatOfTwiceTheRootOfTheSteps) {
  constexpr Index kTime = 1024, kRoot = 32;
  const std::size_t whole = peak(kTime, 0), short_one = peak(kRoot, 0);
  const std::size_t of_a_step = (whole - short_one) / (kTime - kRoot);
  EXPECT_GE(of_a_step, 6 * kHidden * kBatch * sizeof(float));  // four gates and two states
  EXPECT_LE(peak(kTime, kRoot), short_one + kRoot * of_a_step);
}

}  // namespace
}  // namespace rw::test
