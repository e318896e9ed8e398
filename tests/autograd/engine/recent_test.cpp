// What was made lately is found again, the last used longest.
#include "rewind/autograd/engine/recent.h"

#include <gtest/gtest.h>

namespace rw::engine {
namespace {

auto is(int number) {
  return [number](int entry) { return entry == number; };
}
auto entry(int number) { return std::make_shared<const int>(number); }

TEST(Recent, ForgetsWhatWasNotUsedForTheLongestTime) {
  Recent<int> recent(2);
  recent.add(entry(1), is(1));
  recent.add(entry(2), is(2));
  EXPECT_TRUE(recent.find(is(1)));
  recent.add(entry(3), is(3));
  EXPECT_TRUE(recent.find(is(1)));
  EXPECT_FALSE(recent.find(is(2)));
  EXPECT_EQ(recent.size(), 2u);
}

TEST(Recent, KeepsTheEntryOfTheFasterOfTwoThreads) {
  Recent<int> recent(2);
  const auto first = entry(1), second = entry(1);
  EXPECT_FALSE(recent.find(is(1)));
  EXPECT_EQ(recent.add(first, is(1)), first);
  EXPECT_EQ(recent.add(second, is(1)), first);
  EXPECT_EQ(recent.size(), 1u);
}

}  // namespace
}  // namespace rw::engine
