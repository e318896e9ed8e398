// Objects of static lifetime, which end after main, may still scan and stream.
#include <gtest/gtest.h>

#include <cstdlib>

#include "autograd/engine/cells.h"
#include "rewind/autograd/stream.h"

namespace rw::test {
namespace {

// A step that was not planned before: how far scan and stream are from the plain loop.
double distance(Index hidden) {
  const Tensor w = numbers({hidden, hidden}, 1), h0 = numbers({B, hidden}, 2);
  const Tensor xs = numbers({T, B, hidden}, 3);
  const auto step = [&](const Tensor& x, const Tensor& h) { return tanh(x + matmul(h, w)); };
  const ScanOptions<Tensor> lengths{.lengths = {3, 2, 4}};
  const double of_scan =
      largest_difference(scan(step, xs, h0, lengths).outputs, loop(step, xs, h0, lengths).outputs);
  const double of_stream =
      largest_difference(stream(step, xs[0], h0).run(xs), loop(step, xs, h0).outputs);
  return std::max(of_scan, of_stream);
}

// Made before anything that scans need, so it ends after what of that would end.
struct Late {
  ~Late() { std::_Exit(distance(H + 1) < 1e-12 ? 7 : 1); }
};

TEST(LateDeathTest, ObjectsMayScanWhenMainHasEnded) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static Late late;
        std::exit(distance(H) < 1e-12 ? 0 : 1);
      },
      testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace rw::test
