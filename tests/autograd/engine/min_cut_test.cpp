#include "rewind/autograd/engine/derive/min_cut.h"

#include <gtest/gtest.h>

namespace rw::engine {
namespace {

// 0 -> 1 -> 2, read at 2.
TEST(MinCut, TakesTheCheapestOfAChain) {
  const std::vector<std::vector<int>> chain{{}, {0}, {1}};
  const std::vector<bool> first{true, false, false}, last{false, false, true};
  EXPECT_EQ(min_cut({{5, 2, 3}, chain, first, last}), std::vector<int>{1});
  EXPECT_EQ(min_cut({{1, 2, 3}, chain, first, last}), std::vector<int>{0});
}

TEST(MinCut, OfEqualCutsTakesTheOneNearestToTheReader) {
  EXPECT_EQ(min_cut({{2, 2, 2}, {{}, {0}, {1}}, {true, false, false}, {false, false, true}}),
            std::vector<int>{2});
}

// Two readers share one source: {0} or {1, 2}.
TEST(MinCut, WeighsOneSourceAgainstItsReaders) {
  const std::vector<std::vector<int>> fork{{}, {0}, {0}};
  const std::vector<bool> source{true, false, false}, readers{false, true, true};
  EXPECT_EQ(min_cut({{3, 1, 1}, fork, source, readers}), (std::vector<int>{1, 2}));
  EXPECT_EQ(min_cut({{1, 1, 1}, fork, source, readers}), std::vector<int>{0});
}

TEST(MinCut, KeepsNothingThatCanBeMadeAgainFromNothing) {
  EXPECT_TRUE(min_cut({{1, 1}, {{}, {0}}, {false, false}, {false, true}}).empty());
}

TEST(MinCut, LeavesAValueWithoutNumbersThroughWhichNothingFlows) {
  EXPECT_EQ(min_cut({{0, 1, 3}, {{}, {}, {0, 1}}, {false, true, false}, {false, false, true}}),
            std::vector<int>{1});
}

}  // namespace
}  // namespace rw::engine
