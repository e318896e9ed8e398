// How often memory is asked for.
#pragma once

#include <cstddef>
#include <functional>

namespace rw::test {

// The calls of operator new while f runs. It runs on a new thread: the first tensor of a thread
// begins with such a call, so none is missed, although later ones take recycled memory.
std::size_t allocations_of(const std::function<void()>& f);

}  // namespace rw::test
