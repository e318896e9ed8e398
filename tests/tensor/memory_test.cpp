// What the recycled memory counts and keeps.
#include "rewind/tensor/memory.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <new>

#include "support/sanitized.h"

namespace rw::memory {
namespace {

using test::kSanitized;

constexpr std::size_t kGiB = std::size_t{1} << 30;

// What malloc has given out, to the last byte: not what it may have kept for later.
std::size_t given_out() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(Memory, ABlockThatIsRefusedDoesNotCount) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer ends the program instead";
  const std::size_t bytes = bytes_in_use(), blocks = blocks_in_use();
  EXPECT_THROW(allocate(std::size_t{3} << 46), std::bad_alloc);
  EXPECT_THROW(allocate(std::size_t{1} << 60), std::bad_alloc);
  EXPECT_EQ(bytes_in_use(), bytes);
  EXPECT_EQ(blocks_in_use(), blocks);
}

// Nothing is written into these blocks, so that their pages take no memory.
TEST(Memory, NoMoreBytesWaitThanWereOnceInUse) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer gets every block back";
  release_unused();
  const std::size_t before = given_out();
  for (std::size_t eighths = 8; eighths < 16; eighths++) release(allocate(eighths * kGiB / 2));
  EXPECT_GT(given_out() - before, 3 * kGiB);
  EXPECT_LE(given_out() - before, 8 * kGiB);
  release_unused();
  EXPECT_LT(given_out() - before, kGiB / 8);
}

TEST(Memory, ABlockThatIsTakenAgainWaitsNoLonger) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer gets every block back";
  release_unused();
  const std::size_t before = given_out();
  for (int i = 0; i < 1000; i++) release(allocate(kGiB / 2));
  EXPECT_GE(given_out() - before, kGiB / 2);
  release_unused();
}

}  // namespace
}  // namespace rw::memory
