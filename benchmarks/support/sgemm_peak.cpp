#include "support/sgemm_peak.h"

#include <algorithm>

#include "rewind/tensor/matmul.h"
#include "rewind/tensor/random.h"
#include "support/timing.h"

namespace rw::bench {
namespace {

constexpr Index kSize = 1024;
constexpr int kAtFirst = 12, kAgain = 4;

}  // namespace

SgemmPeak::SgemmPeak() {
  Rng rng(1);
  a_ = normal({kSize, kSize}, {}, rng);
  b_ = normal({kSize, kSize}, {}, rng);
  measure(kAtFirst);
}

void SgemmPeak::measure_again() { measure(kAgain); }

void SgemmPeak::measure(int repetitions) {
  constexpr double flops = 2.0 * kSize * kSize * kSize;
  for (int i = 0; i < repetitions; i++) {
    gflops_ = std::max(gflops_, flops / seconds_of([&] { matmul(a_, b_); }) / 1e9);
  }
}

}  // namespace rw::bench
