// "Slicing by 8" (Kounavis and Berry, 2005): table k holds the remainder of a byte followed by k
// zero bytes, so that eight bytes take eight independent look-ups instead of a chain of eight.
#include "rewind/io/crc32.h"

#include <array>

namespace rw {

namespace {

using Table = std::array<std::uint32_t, 256>;

constexpr std::array<Table, 8> make_tables() {
  std::array<Table, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? 0xEDB88320U : 0);
    tables[0][byte] = rest;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t rest = tables[k - 1][byte];
      tables[k][byte] = rest >> 8 ^ tables[0][rest & 0xFF];
    }
  }
  return tables;
}

constexpr std::array<Table, 8> kTables = make_tables();

std::uint32_t at(std::span<const std::byte> bytes, std::size_t i) {
  return std::to_integer<std::uint32_t>(bytes[i]);
}

}  // namespace

std::uint32_t crc32(std::uint32_t before, std::span<const std::byte> bytes) {
  std::uint32_t rest = ~before;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    rest ^= at(bytes, 0) | at(bytes, 1) << 8 | at(bytes, 2) << 16 | at(bytes, 3) << 24;
    rest = kTables[7][rest & 0xFF] ^ kTables[6][rest >> 8 & 0xFF] ^ kTables[5][rest >> 16 & 0xFF] ^
           kTables[4][rest >> 24] ^ kTables[3][at(bytes, 4)] ^ kTables[2][at(bytes, 5)] ^
           kTables[1][at(bytes, 6)] ^ kTables[0][at(bytes, 7)];
  }
  for (const std::byte byte : bytes) {
    rest = rest >> 8 ^ kTables[0][(rest ^ std::to_integer<std::uint32_t>(byte)) & 0xFF];
  }
  return ~rest;
}

}  // namespace rw
