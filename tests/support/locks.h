// How often a lock is asked for.
#pragma once

#include <cstddef>
#include <functional>

namespace rw::test {

// False where the thread sanitizer watches, whose locks cannot be replaced.
extern const bool kLocksAreCounted;

// The mutexes, also those for readers and writers, that this thread asks for while f runs.
std::size_t locks_of(const std::function<void()>& f);

}  // namespace rw::test
