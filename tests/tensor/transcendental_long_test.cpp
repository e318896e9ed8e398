// The error of exp, log, tanh and sigmoid over all 2^32 floats, on every instruction set that runs
// here. Takes about half an hour: `ctest -C Long -R tensor_long`, or run tensor_long_tests, which
// prints the worst error of each. Targets of better machines than this one need such a machine.
#include <gtest/gtest.h>

#include <cstdio>

#include "tensor/targets.h"
#include "tensor/transcendental_reference.h"

namespace rw::kernels {
namespace {

class EveryFloat : public testing::TestWithParam<Transcendental<float>> {};

TEST_P(EveryFloat, IsWithinTheErrorOnEveryTarget) {
  constexpr std::size_t kBlock = 1 << 16;
  const Transcendental<float>& f = GetParam();
  const Targets targets;
  std::vector<double> worst(targets.all().size(), 0.0), exact(kBlock);
  std::vector<float> where(worst.size(), 0.0F), x(kBlock), y(kBlock);
  for (std::uint64_t begin = 0; begin < (1ULL << 32); begin += kBlock) {
    for (std::size_t i = 0; i < kBlock; ++i) {
      x[i] = std::bit_cast<float>(static_cast<std::uint32_t>(begin + i));
      exact[i] = f.reference(static_cast<double>(x[i]));
    }
    for (std::size_t t = 0; t < worst.size(); ++t) {
      Targets::choose(targets.all()[t]);
      f.vector(x.data(), y.data(), kBlock);
      for (std::size_t i = 0; i < kBlock; ++i) {
        if (y[i] == static_cast<float>(exact[i]) && y[i] != 0) continue;  // the usual case, quickly
        const double error = ulp_error(y[i], exact[i]);
        if (error > worst[t]) worst[t] = error, where[t] = x[i];
      }
    }
  }
  for (std::size_t t = 0; t < worst.size(); ++t) {
    const char* target = hwy::TargetName(targets.all()[t]);
    std::printf("%s %s: %.3f ulp at %a\n", f.name.data(), target, worst[t],
                static_cast<double>(where[t]));
    EXPECT_LE(worst[t], f.worst) << f.name << " on " << target << " at " << where[t];
  }
}

INSTANTIATE_TEST_SUITE_P(Transcendentals, EveryFloat, testing::ValuesIn(kTranscendentals<float>),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace rw::kernels
