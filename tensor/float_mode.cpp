#include "rewind/tensor/float_mode.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace rw {
namespace {

#if defined(__SSE2__)
constexpr std::uint64_t kFlush = 0x8040;  // flush to zero, denormals are zero
std::uint64_t read_mode() { return _mm_getcsr(); }
void write_mode(std::uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
#elif defined(__aarch64__)
constexpr std::uint64_t kFlush = std::uint64_t{1} << 24;
std::uint64_t read_mode() {
  std::uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void write_mode(std::uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
constexpr std::uint64_t kFlush = 0;
std::uint64_t read_mode() { return 0; }
void write_mode(std::uint64_t) {}
#endif

}  // namespace

FlushDenormals::FlushDenormals(bool flush) : before_(read_mode()) {
  write_mode(flush ? before_ | kFlush : before_ & ~kFlush);
}

// The exception flags that share the register are not ours: they stay as they are now.
FlushDenormals::~FlushDenormals() { write_mode((read_mode() & ~kFlush) | (before_ & kFlush)); }

bool FlushDenormals::active() { return kFlush != 0 && (read_mode() & kFlush) == kFlush; }

}  // namespace rw
