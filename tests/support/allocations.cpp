#include "support/allocations.h"

#include <cstdlib>
#include <new>
#include <thread>

namespace {

constinit thread_local bool counting = false;
constinit thread_local std::size_t count = 0;

}  // namespace

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
