// In what state a scan computes, and in what state it leaves the thread and its generator.
#include <gtest/gtest.h>

#include <thread>

#include "autograd/engine/scan_comparison.h"
#include "autograd/engine/shared_rows.h"
#include "rewind/autograd/explain.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/float_mode.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/random.h"
#include "support/elements.h"

namespace rw {
namespace {

constexpr Index kBatch = 3;

TEST(Scan, FlushesDenormals) {
  const auto halved = [](const Tensor& h) { return 0.5 * h; };
  EXPECT_EQ(scan(halved, 3, full({1, 2}, 3e-308, float64)).final.span<double>()[0], 0);
}

// What each worker computes from numbers of 1e-40, with a product that keeps them as they are: zero
// where it flushes them.
void expect_denormals_to_be_flushed() {
  constexpr Index kSteps = 12, kRows = 64, kUnits = 128;
  const Tensor w = eye(kUnits), small = full({kRows, kUnits}, 1e-40);
  const auto step = [&](const Tensor& x, const Tensor& h) { return matmul(h, w) * 0.5 + x; };
  for (const int threads : {1, 2, 3}) {
    SCOPED_TRACE(threads);
    const Threads scope(threads);
    const Tensor xs = zeros({kSteps, kRows, kUnits});
    if (threads > 1) {
      const std::string text = explain(step, xs, small);
      const Index each = (kRows + threads - 1) / threads;
      std::size_t from = 0;
      ASSERT_LE(test::steps_to_share(text, each, threads, from), kSteps) << text;
      ASSERT_LE(test::steps_to_share(text, each, threads, from), kSteps) << text;
    }
    for (const bool already : {false, true}) {
      const FlushDenormals mode(already);
      Tape tape;
      const Tensor watched = tape.watch(xs), h0 = tape.watch(small);
      const auto result = scan(step, watched, h0);
      EXPECT_EQ(FlushDenormals::active(), already);
      const Gradients gradients = tape.backward({{result.final, small}});
      EXPECT_EQ(FlushDenormals::active(), already);
      const FlushDenormals exact(false);  // to look at them
      for (const double y : elements(result.outputs)) ASSERT_EQ(y, 0);
      for (const double dh : elements(gradients[h0])) ASSERT_EQ(dh, 0);
    }
  }
}

// On a thread of its own, whose workers begin with the mode in which they are made: not in a scan.
TEST(Scan, FlushesDenormalsInEveryWorkerForwardAndBack) {
  std::thread([] {
    const Threads three(3);
    parallel_for(3, 1, [](Index, Index) {});
    expect_denormals_to_be_flushed();
  }).join();
}

// In the loop, on its way back, or before it, as it is told.
struct Fragile {
  static constexpr std::string_view name = "fragile";
  static constexpr bool rowwise = true;
  static inline bool breaks = false;
  static inline bool flushes = false;
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    flushes = FlushDenormals::active();
    require(!breaks, "fragile: broken");
    copy_elements(x, y);
  }
  static void derivative(Rules<Fragile> d) {
    d([](const Tensor& dy) { return apply(Fragile{}, dy); });
  }
};

TEST(Scan, LeavesTheModeOfItsCallerAlsoWhenAStepThrows) {
  const Tensor xs = test::numbers({4, kBatch, 2}, 1), h0 = test::numbers({kBatch, 2}, 2);
  const auto in_the_loop = [](const Tensor& x, const Tensor& h) {
    return apply(Fragile{}, tanh(x + h));
  };
  const auto before_the_loop = [](const Tensor& x, const Tensor& h) {
    return tanh(apply(Fragile{}, x) + h);
  };
  const auto when_traced = [](const Tensor&, const Tensor& h) {
    require(!Fragile::breaks, "step: broken");
    return apply(Fragile{}, h);
  };
  const auto check = [&](auto step) {
    for (const bool already : {false, true}) {
      const FlushDenormals mode(already);
      Tape tape;
      const Tensor watched = tape.watch(xs);
      Fragile::breaks = true;
      EXPECT_THROW(scan(step, watched, h0), Error);
      EXPECT_EQ(FlushDenormals::active(), already);
      Fragile::breaks = false;
      const Tensor last = sum(scan(step, watched, h0).final);
      EXPECT_TRUE(Fragile::flushes);
      EXPECT_EQ(FlushDenormals::active(), already);
      Fragile::breaks = true;
      EXPECT_THROW(tape.backward(last), Error);
      EXPECT_EQ(FlushDenormals::active(), already);
      Fragile::breaks = false;
    }
  };
  check(in_the_loop);
  check(before_the_loop);
  const FlushDenormals mode(false);
  Fragile::breaks = true;
  EXPECT_THROW(scan(when_traced, xs, h0), Error);
  Fragile::breaks = false;
  EXPECT_FALSE(FlushDenormals::active());
}

// The results, and what is drawn after them.
std::vector<double> drawn(const ScanOptions<Tensor>& options, Index time) {
  const Random scope(5);
  const auto step = [](const Tensor& x, const Tensor& h) {
    const Tensor kept = bernoulli(h.shape(), {.p = 0.5, .dtype = float64});
    return h + x * kept * uniform({2}, {.dtype = float64});
  };
  std::vector<double> all = elements(
      scan(step, test::numbers({time, kBatch, 2}, 1), test::numbers({kBatch, 2}, 2), options)
          .outputs);
  for (const double x : elements(uniform({4}))) all.push_back(x);
  return all;
}

TEST(Scan, LeavesTheGeneratorWhereTheLoopDoes) {
  for (const bool reverse : {false, true}) {
    for (const Lengths& lengths : {Lengths{}, {2, 3, 1}, {0, 0, 0}, {4, 4, 4}, {1, 0, 4}}) {
      for (const Index segments : {0, 1, 2, 4, 9}) {
        const ScanOptions<Tensor> options{
            .lengths = lengths, .reverse = reverse, .segments = segments};
        const std::vector<double> planned = drawn(options, 4);
        const PlainLoops plainly;
        EXPECT_EQ(planned, drawn(options, 4)) << reverse << ' ' << segments;
      }
    }
  }
}

}  // namespace
}  // namespace rw
