// Rows of bytes, from place to place.
#pragma once

#include <cstddef>
#include <cstring>

#include "rewind/tensor/index.h"

namespace rw::engine {

struct RowCopy {
  const std::byte* from;
  std::byte* to;
  Index from_step, to_step;  // from row to row
  Index bytes;               // of a row
  Index rows;

  void run() const {
    if (rows * bytes == 0) return;  // then there may be no memory
    if (from_step == bytes && to_step == bytes) return copy(from, to, rows * bytes);
    for (Index row = 0; row < rows; row++) copy(from + row * from_step, to + row * to_step, bytes);
  }

 private:
  static void copy(const std::byte* from, std::byte* to, Index bytes) {
    std::memcpy(to, from, static_cast<std::size_t>(bytes));
  }
};

}  // namespace rw::engine
