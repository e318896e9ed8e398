// What the processor does with denormal numbers.
#pragma once

#include <cstdint>

namespace [[gnu::visibility("default")]] rw {

// Until the end of the scope, arithmetic of this thread takes denormal inputs as zero and gives
// zero where the result would be denormal (x86: FTZ and DAZ of MXCSR; aarch64: FZ of FPCR).
// Decaying states reach denormals, and arithmetic on them is 10 to 100 times slower.
// `FlushDenormals(false)` asks for IEEE arithmetic instead; a scan inside it flushes all the same.
// Workers of parallel_for (parallel.h) do as their caller does. Processors without such a mode stay
// as they are.
class [[nodiscard]] FlushDenormals {
 public:
  explicit FlushDenormals(bool flush = true);
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;
  ~FlushDenormals();

  // Whether this thread flushes them now.
  static bool active();

 private:
  std::uint64_t before_;
};

}  // namespace rw
