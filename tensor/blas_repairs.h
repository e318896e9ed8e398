// OpenBLAS as it is found on a machine, and what is put right about it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace [[gnu::visibility("default")]] rw {
namespace blas {

// To be called by a thread before it calls OpenBLAS; all but the first calls cost nothing.
void prepare();

// What OpenBLAS says of its build, and the processor whose kernels it runs. "unknown" for another
// BLAS.
std::string config();
std::string core();

// What matters of a processor for the choice of kernels.
struct Processor {
  bool amd = false;
  bool avx2 = false;    // with FMA
  bool avx512 = false;  // F, CD, BW, DQ and VL
};

// The core that OpenBLAS should run on a processor instead of the one that it detected, if that one
// is older than the processor by a generation of vector instructions. Names that are not known to
// be old are trusted.
std::optional<std::string_view> better_core(const Processor& processor, std::string_view detected);

}  // namespace blas
}  // namespace rw
