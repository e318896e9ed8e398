// The choice of OpenBLAS's kernels: as a function of what a processor can do, and as it happens.
#include <gtest/gtest.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "rewind/tensor/blas_repairs.h"
#include "rewind/tensor/matmul.h"

namespace rw {
namespace {

constexpr blas::Processor kOld{}, kHaswell{.avx2 = true}, kZen{.amd = true, .avx2 = true},
    kZen5{.amd = true, .avx2 = true, .avx512 = true}, kSkylake{.avx2 = true, .avx512 = true};

TEST(Blas, ACoreTooOldForTheProcessorIsReplaced) {
  EXPECT_EQ(blas::better_core(kSkylake, "Prescott"), "SkylakeX");
  EXPECT_EQ(blas::better_core(kSkylake, "Sandybridge"), "SkylakeX");
  EXPECT_EQ(blas::better_core(kHaswell, "Nehalem"), "Haswell");
  EXPECT_EQ(blas::better_core(kZen, "Barcelona"), "Zen");
  EXPECT_EQ(blas::better_core(kZen5, "Prescott"), "SkylakeX");
}

TEST(Blas, ACoreThatFitsOrIsNewIsLeftAlone) {
  EXPECT_EQ(blas::better_core(kSkylake, "SkylakeX"), std::nullopt);
  EXPECT_EQ(blas::better_core(kSkylake, "Haswell"), std::nullopt);
  EXPECT_EQ(blas::better_core(kSkylake, "CoreOfTheFuture"), std::nullopt);
  EXPECT_EQ(blas::better_core(kZen, "Zen"), std::nullopt);
  EXPECT_EQ(blas::better_core(kOld, "Prescott"), std::nullopt);
  EXPECT_EQ(blas::better_core(kOld, "armv8"), std::nullopt);
}

bool processor_has_avx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

bool core_is_old() { return blas::better_core(kHaswell, blas::core()).has_value(); }

void multiply_once() {
  Tensor x = Tensor::uninitialized({{64, 64}, float32});
  for (float& v : x.mutable_span<float>()) v = 1;
  ASSERT_EQ(matmul(x, x).span<float>()[100], 64);
}

// Runs the current test once more, in a process of its own and with OPENBLAS_CORETYPE set.
int run_again(const char* core) {
  char program[PATH_MAX] = {};
  EXPECT_GT(readlink("/proc/self/exe", program, sizeof(program) - 1), 0);
  const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string command = std::string("OPENBLAS_CORETYPE=") + core + " REWIND_TEST_CHILD=1 '" +
                              program + "' --gtest_filter=Blas." + name + " > /dev/null";
  return std::system(command.c_str());
}

bool is_child() { return std::getenv("REWIND_TEST_CHILD") != nullptr; }

TEST(Blas, TheFirstProductRepairsAMisreadProcessor) {
  if (!processor_has_avx2()) GTEST_SKIP() << "there is nothing to repair without AVX2";
  if (!is_child()) {
    EXPECT_EQ(run_again("Nehalem"), 0);
    return;
  }
  // Without the variable, OpenBLAS looks as if it had misread the processor when it was loaded.
  unsetenv("OPENBLAS_CORETYPE");
  multiply_once();
  EXPECT_FALSE(core_is_old()) << blas::core();
  EXPECT_EQ(std::getenv("OPENBLAS_CORETYPE"), nullptr);
}

TEST(Blas, TheUsersChoiceOfACoreIsRespected) {
  if (blas::config().find("DYNAMIC_ARCH") == std::string::npos || !processor_has_avx2()) {
    GTEST_SKIP() << "this OpenBLAS has no choice";
  }
  if (!is_child()) {
    EXPECT_EQ(run_again("Nehalem"), 0);
    return;
  }
  multiply_once();
  EXPECT_EQ(blas::core(), "Nehalem");
  EXPECT_STREQ(std::getenv("OPENBLAS_CORETYPE"), "Nehalem");
}

TEST(Blas, RunsAsGoodACoreAsTheProcessorAllows) {
  if (std::getenv("OPENBLAS_CORETYPE")) GTEST_SKIP() << "the user has chosen";
  multiply_once();
  EXPECT_FALSE(processor_has_avx2() && core_is_old()) << blas::core();
}

}  // namespace
}  // namespace rw
