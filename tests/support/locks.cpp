#include "support/locks.h"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>

#if defined(__SANITIZE_THREAD__)
#define REWIND_THREAD_SANITIZER 1
#elif defined(__has_feature)
#define REWIND_THREAD_SANITIZER __has_feature(thread_sanitizer)
#endif

namespace {

constinit thread_local std::size_t count = 0;

}  // namespace

#if !REWIND_THREAD_SANITIZER
namespace {

// The function that would be called without the one of its name below. No static of a function: to
// look one up may ask for a lock itself.
template <class Lock>
class Standard {
 public:
  constexpr explicit Standard(const char* name) : name_(name) {}

  int operator()(Lock* lock) {
    count++;
    void* found = found_.load(std::memory_order_relaxed);
    if (!found) found_.store(found = dlsym(RTLD_NEXT, name_), std::memory_order_relaxed);
    return reinterpret_cast<int (*)(Lock*)>(found)(lock);
  }

 private:
  const char* name_;
  std::atomic<void*> found_ = nullptr;
};

constinit Standard<pthread_mutex_t> lock_mutex("pthread_mutex_lock");
constinit Standard<pthread_mutex_t> try_mutex("pthread_mutex_trylock");
constinit Standard<pthread_rwlock_t> lock_to_read("pthread_rwlock_rdlock");
constinit Standard<pthread_rwlock_t> lock_to_write("pthread_rwlock_wrlock");

}  // namespace

// In the place of the standard ones, in every test program.
extern "C" {
int pthread_mutex_lock(pthread_mutex_t* lock) noexcept { return lock_mutex(lock); }
int pthread_mutex_trylock(pthread_mutex_t* lock) noexcept { return try_mutex(lock); }
int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept { return lock_to_read(lock); }
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept { return lock_to_write(lock); }
}
#endif

namespace rw::test {

#if REWIND_THREAD_SANITIZER
const bool kLocksAreCounted = false;
#else
const bool kLocksAreCounted = true;
#endif

std::size_t locks_of(const std::function<void()>& f) {
  const std::size_t before = count;
  f();
  return count - before;
}

}  // namespace rw::test
