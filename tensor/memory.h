// Recycled memory for tensors: blocks aligned to 64 bytes, sorted into size classes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace [[gnu::visibility("default")]] rw {
namespace memory {

struct Block {
  void* data;
  std::uint16_t size_class;
};

// At least `bytes`: the next multiple of 64 up to 1024, at most an eighth more above. Throws
// std::bad_alloc. Any thread may release a block that any other thread made.
Block allocate(std::size_t bytes);
void release(Block block) noexcept;

// Bytes in blocks that are in use, by all threads. Exact when no other thread is at work.
std::size_t bytes_in_use();

// The number of blocks in use: what tests of leaks and of kept activations count.
std::size_t blocks_in_use();

// Gives the large blocks that wait for reuse back to the system.
void release_unused();

}  // namespace memory
}  // namespace rw
