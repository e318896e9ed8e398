// Memory for the records of a tape: handed out in order, given back at once. Addresses stay.
#pragma once

#include <vector>

#include "rewind/tensor/memory.h"

namespace [[gnu::visibility("default")]] rw {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    for (memory::Block block : chunks_) memory::release(block);
  }

  // `bytes` at a multiple of 8.
  void* allocate(std::size_t bytes) {
    bytes = (bytes + 7) & ~std::size_t{7};
    if (bytes > static_cast<std::size_t>(end_ - next_)) grow(bytes);
    void* result = next_;
    next_ += bytes;
    return result;
  }

 private:
  static constexpr std::size_t kChunk = std::size_t{1} << 18;

  void grow(std::size_t bytes) {
    const std::size_t size = bytes > kChunk ? bytes : kChunk;
    chunks_.push_back(memory::allocate(size));
    next_ = static_cast<std::byte*>(chunks_.back().data);
    end_ = next_ + size;
  }

  std::vector<memory::Block> chunks_;
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
};

}  // namespace rw
