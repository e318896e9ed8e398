// What a report of a problem should begin with.
#include "rewind/tensor/build_info.h"

#include <gtest/gtest.h>

#include "rewind/tensor/blas_repairs.h"
#include "rewind/tensor/parallel.h"
#include "rewind/version.h"

namespace rw {
namespace {

TEST(BuildInfo, SaysWhatRunsHere) {
  const Threads threads(3);
  const BuildInfo info = build_info();
  EXPECT_EQ(info.version, kVersion);
  EXPECT_NE(info.compiler.find_first_of("0123456789"), std::string::npos) << info.compiler;
  EXPECT_EQ(info.blas, blas::config());
  EXPECT_EQ(info.blas_core, blas::core());
  EXPECT_FALSE(info.simd.empty());
  EXPECT_EQ(info.threads, 3);
}

TEST(BuildInfo, PrintsOneLinePerField) {
  EXPECT_EQ(to_string(BuildInfo{"1.2.3", "g++ 12", "OpenBLAS 0.3", "Zen", "AVX2", 2}),
            "rewind 1.2.3\n"
            "  compiler   g++ 12\n"
            "  blas       OpenBLAS 0.3\n"
            "  blas core  Zen\n"
            "  simd       AVX2\n"
            "  threads    2\n");
}

}  // namespace
}  // namespace rw
