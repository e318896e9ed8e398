// CRC-32 (ISO-HDLC: the one of zlib, gzip and PNG; polynomial 0x04C11DB7, reflected).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace [[gnu::visibility("default")]] rw {

// The checksum of the bytes that gave `before`, followed by `bytes`. Start with 0. Any damage that
// spans at most 32 bits is found; other damage escapes once in 2^32.
std::uint32_t crc32(std::uint32_t before, std::span<const std::byte> bytes);

}  // namespace rw
