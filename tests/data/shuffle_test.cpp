#include "rewind/data/shuffle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace rw {
namespace {

TEST(Shuffled, IsAPermutation) {
  for (const Index count : {0, 1, 2, 1000}) {
    auto order = shuffled(count, 7, 0);
    std::ranges::sort(order);
    ASSERT_EQ(order.size(), static_cast<std::size_t>(count));
    for (Index i = 0; i < count; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
  }
}

TEST(Shuffled, DependsOnSeedAndEpochAlone) {
  EXPECT_EQ(shuffled(100, 7, 3), shuffled(100, 7, 3));
  EXPECT_NE(shuffled(100, 7, 3), shuffled(100, 7, 4));
  EXPECT_NE(shuffled(100, 7, 3), shuffled(100, 8, 3));
}

TEST(Shuffled, IsTheSameInEveryVersion) {
  EXPECT_EQ(shuffled(8, 1, 0), (std::vector<Index>{1, 4, 7, 3, 0, 6, 2, 5}));
}

TEST(Shuffled, EveryPermutationIsEquallyLikely) {
  constexpr int kDraws = 24'000;
  std::array<int, 256> counts{};
  for (Index epoch = 0; epoch < kDraws; ++epoch) {
    const auto order = shuffled(4, 0, epoch);
    ++counts[static_cast<std::size_t>(order[0] + 4 * order[1] + 16 * order[2] + 64 * order[3])];
  }
  double chi_squared = 0;
  int seen = 0;
  for (const int count : counts) {
    if (count == 0) continue;
    ++seen;
    chi_squared += (count - 1000.) * (count - 1000.) / 1000.;
  }
  EXPECT_EQ(seen, 24);
  EXPECT_LT(chi_squared, 50);  // 23 degrees of freedom: above 49.7 once in a thousand
}

TEST(Shuffled, RefusesNegativeArguments) {
  EXPECT_THROW(shuffled(-1, 0, 0), ValueError);
  EXPECT_THROW(shuffled(1, 0, -1), ValueError);
}

}  // namespace
}  // namespace rw
