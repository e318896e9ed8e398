// The instruction sets on which kernels are tested: what is checked on every one of none would
// pass.
#include "tensor/targets.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace rw::kernels {
namespace {

TEST(Targets, AreTheBaselineAndAllBetterOnesThatTheMachineHas) {
  const Targets targets;
  const auto holds = [&](std::int64_t target) {
    return std::find(targets.all().begin(), targets.all().end(), target) != targets.all().end();
  };
  EXPECT_TRUE(holds(HWY_STATIC_TARGET)) << "the baseline";
#if HWY_ARCH_X86_64  // of Highway's numbers the smaller one is the better set
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  EXPECT_TRUE(holds(HWY_AVX2) || !avx2 || HWY_STATIC_TARGET < HWY_AVX2);
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  EXPECT_TRUE(holds(HWY_AVX3) || !avx512 || HWY_STATIC_TARGET < HWY_AVX3);
#endif
}

}  // namespace
}  // namespace rw::kernels
