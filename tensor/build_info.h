// What this library was built from and what it runs on here.
#pragma once

#include <string>

namespace [[gnu::visibility("default")]] rw {

struct BuildInfo {
  std::string version;    // of the library itself, which may be younger than the headers
  std::string compiler;   // with its version
  std::string blas;       // what OpenBLAS says of its build
  std::string blas_core;  // the processor whose kernels OpenBLAS runs, after our repair
  std::string simd;       // the instruction set of our own vector code
  int threads = 1;        // workers of the calling thread
};

// Chooses the BLAS core if no product has done it yet (blas.h).
BuildInfo build_info();

// One line per field.
std::string to_string(const BuildInfo& info);

}  // namespace rw
