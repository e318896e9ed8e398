#include "rewind/data/streams.h"

#include <gtest/gtest.h>

#include <functional>
#include <numeric>
#include <string>

namespace rw {
namespace {

std::vector<Index> up_to(Index count) {
  std::vector<Index> ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

std::vector<Index> values_of(const Tensor& tensor) {
  const auto span = tensor.span<Index>();
  return {span.begin(), span.end()};
}

TEST(Streams, WindowsAreTheColumnsSideBySide) {
  const Streams streams(up_to(13), {.batch = 3, .time = 2});
  ASSERT_EQ(streams.size(), 2);
  EXPECT_EQ(streams[0].tokens.shape(), (Dims{2, 3}));
  EXPECT_EQ(values_of(streams[0].tokens), (std::vector<Index>{0, 4, 8, 1, 5, 9}));
  EXPECT_EQ(values_of(streams[1].tokens), (std::vector<Index>{2, 6, 10, 3, 7, 11}));
  EXPECT_EQ(values_of(streams[1].targets), (std::vector<Index>{3, 7, 11, 4, 8, 12}));
}

// columns() of a common script: (n - 1) / batch steps, column k beginning at k * steps.
TEST(Streams, EachTargetIsTheNextTokenForEverySize) {
  for (Index count = 2; count < 40; ++count) {
    for (Index batch = 1; batch < count; ++batch) {
      const Index steps = (count - 1) / batch;
      const Streams streams(up_to(count), {.batch = batch, .time = 3, .tail = true});
      ASSERT_EQ(streams.steps(), steps);
      for (Index window = 0; window < streams.size(); ++window) {
        const Window w = streams[window];
        for (Index t = 0; t < w.tokens.dim(0); ++t) {
          for (Index column = 0; column < batch; ++column) {
            const auto at = static_cast<std::size_t>(t * batch + column);
            ASSERT_EQ(w.tokens.span<Index>()[at], column * steps + window * 3 + t);
            ASSERT_EQ(w.targets.span<Index>()[at], column * steps + window * 3 + t + 1);
          }
        }
      }
    }
  }
}

TEST(Streams, TheTailIsGivenWhenAskedFor) {
  const Streams without(up_to(8), {.batch = 1, .time = 3});
  const Streams with(up_to(8), {.batch = 1, .time = 3, .tail = true});
  EXPECT_EQ(without.size(), 2);
  EXPECT_EQ(without.tokens(), 6);
  ASSERT_EQ(with.size(), 3);
  EXPECT_EQ(with.tokens(), 7);
  EXPECT_EQ(with[2].tokens.shape(), (Dims{1, 1}));
  EXPECT_EQ(values_of(with[2].targets), std::vector<Index>{7});
}

TEST(Streams, TooLittleTextIsAnErrorWithTheFigures) {
  const auto refusal = [](Index count, const StreamOptions& options) {
    try {
      Streams streams(up_to(count), options);
    } catch (const ValueError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(refusal(13, {.batch = 3, .time = 5}),
            "streams: 13 ids in 3 columns give 4 steps, a window needs 5; use fewer columns, "
            "shorter windows or more text");
  EXPECT_NE(refusal(0, {}).find("0 ids"), std::string::npos);
  EXPECT_NE(refusal(1, {.tail = true}).find("give 0 steps"), std::string::npos);
  EXPECT_NE(refusal(9, {.batch = 0}).find("must be positive"), std::string::npos);
  EXPECT_EQ(refusal(2, {}), "accepted");
}

TEST(Streams, ThereIsNoWindowBeyondTheLast) {
  const Streams streams(up_to(13), {.batch = 3, .time = 2});
  EXPECT_THROW(streams[2], IndexError);
  EXPECT_THROW(streams[-1], IndexError);
}

}  // namespace
}  // namespace rw
