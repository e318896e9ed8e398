#include "support/allocations.h"

#include <cstdlib>
#include <new>
#include <thread>

namespace {

constinit thread_local bool counting = false;
constinit thread_local std::size_t count = 0;

}  // namespace

#if defined(__SANITIZE_THREAD__)
#define REWIND_THREAD_SANITIZER 1
#elif defined(__has_feature)
#define REWIND_THREAD_SANITIZER __has_feature(thread_sanitizer)
#endif

#if REWIND_THREAD_SANITIZER
// Clang links the thread sanitizer's own operator new into every program, where a second one is an
// error; but the sanitizer calls this for all memory that is asked for.
extern "C" void __sanitizer_malloc_hook(const volatile void*, std::size_t) {
  if (counting) count++;
}
#else
// In the place of the standard ones, in every program that counts.
void* operator new(std::size_t bytes) {
  if (counting) count++;
  if (void* block = std::malloc(bytes == 0 ? 1 : bytes)) return block;
  throw std::bad_alloc();
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  if (counting) count++;
  return std::malloc(bytes == 0 ? 1 : bytes);
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
#endif

namespace rw::test {

std::size_t allocations_of(const std::function<void()>& f) {
  std::size_t result = 0;
  std::thread([&] {
    counting = true;
    f();
    counting = false;
    result = count;
  }).join();
  return result;
}

}  // namespace rw::test
