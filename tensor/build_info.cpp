#include "rewind/tensor/build_info.h"

#include <fmt/core.h>

#include "rewind/tensor/blas_repairs.h"
#include "rewind/tensor/kernels/transcendental.h"
#include "rewind/tensor/parallel.h"
#include "rewind/version.h"

namespace rw {
namespace {

#if defined(__clang__)
constexpr const char* kCompiler = "clang " __clang_version__;
#elif defined(__GNUC__)
constexpr const char* kCompiler = "g++ " __VERSION__;
#else
constexpr const char* kCompiler = "unknown";
#endif

}  // namespace

BuildInfo build_info() {
  return {.version = std::string(kVersion),
          .compiler = kCompiler,
          .blas = blas::config(),
          .blas_core = blas::core(),
          .simd = std::string(kernels::simd_target()),
          .threads = thread_count()};
}

std::string to_string(const BuildInfo& info) {
  return fmt::format(
      "rewind {}\n  compiler   {}\n  blas       {}\n  blas core  {}\n  simd       {}\n"
      "  threads    {}\n",
      info.version, info.compiler, info.blas, info.blas_core, info.simd, info.threads);
}

}  // namespace rw
