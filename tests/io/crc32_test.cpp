#include "rewind/io/crc32.h"

#include <gtest/gtest.h>

#include <string_view>

namespace rw {
namespace {

std::uint32_t crc_of(std::string_view text, std::uint32_t before = 0) {
  return crc32(before, std::as_bytes(std::span(text)));
}

TEST(Crc32, GivesTheCheckValueOfTheStandard) {
  EXPECT_EQ(crc_of("123456789"), 0xCBF43926U);
  EXPECT_EQ(crc_of(""), 0U);
  EXPECT_EQ(crc_of("The quick brown fox jumps over the lazy dog"), 0x414FA339U);
}

TEST(Crc32, MayBeCutAnywhere) {
  const std::string_view text = "The quick brown fox jumps over the lazy dog";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(crc_of(text.substr(cut), crc_of(text.substr(0, cut))), crc_of(text));
  }
}

}  // namespace
}  // namespace rw
