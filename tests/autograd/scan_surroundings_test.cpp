// In what state a scan computes, and in what state it leaves the generator.
#include <gtest/gtest.h>

#include "autograd/engine/scan_comparison.h"
#include "rewind/tensor/random.h"
#include "support/elements.h"

namespace rw {
namespace {

constexpr Index kBatch = 3;

TEST(Scan, FlushesDenormals) {
  const auto halved = [](const Tensor& h) { return 0.5 * h; };
  EXPECT_EQ(scan(halved, 3, full({1, 2}, 3e-308, float64)).final.span<double>()[0], 0);
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
