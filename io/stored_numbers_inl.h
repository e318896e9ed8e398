// Numbers as safetensors files store them, turned into numbers of a tensor. Nothing is rounded:
//
//   F32, F64, I64, BOOL            as they are
//   F16, BF16                      float32
//   I8, I16, I32, U8, U16, U32     int64
//   U64                            int64, when every value fits
//   C64 and the 4, 6 and 8 bit floats have no counterpart
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "rewind/tensor/dtype.h"

namespace rw {

struct StoredNumbers {
  Dtype dtype;        // what they become
  std::size_t width;  // bytes of one in the file
  // Converts whole numbers from `stored` to `out`, which has room for as many. False when one has
  // no counterpart: a bool that is neither 0 nor 1, a U64 above 2^63 - 1.
  bool (*convert)(std::span<const std::byte> stored, std::byte* out);
};

// How to read a dtype of the format; null when it has no counterpart.
const StoredNumbers* find_stored(std::string_view name);

// The name under which a tensor's numbers are stored.
std::string_view stored_name(Dtype dtype);

}  // namespace rw
