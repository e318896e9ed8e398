// Random cells, each scanned by its plan and by the plain loop, with gradients and gradients of
// gradients.
#include "autograd/engine/random_cells.h"

#include <gtest/gtest.h>

namespace rw::test {
namespace {

TEST(RandomCells, AreTheirPlainLoops) {
  for (std::uint64_t seed = 0; seed < 500 && !testing::Test::HasFailure(); seed++) {
    SCOPED_TRACE(seed);
    with_random_cell(seed, [](const ScanCase& c) { expect_the_plain_loop(c, "random"); });
  }
}

TEST(RandomCells, AreTheirPlainLoopsInSegments) {
  for (std::uint64_t seed = 0; seed < 200 && !testing::Test::HasFailure(); seed++) {
    SCOPED_TRACE(seed);
    with_random_cell(seed, [&](ScanCase c) {
      c.segments = static_cast<Index>(seed % 4) + 1;
      expect_the_plain_loop(c, "random");
    });
  }
}

TEST(RandomCells, HaveTheTermsOfTheirPlainLoops) {
  for (std::uint64_t seed = 0; seed < 200 && !testing::Test::HasFailure(); seed++) {
    SCOPED_TRACE(seed);
    with_random_cell(seed, [](const ScanCase& c) { expect_the_terms_of_the_plain_loop(c); });
  }
}

}  // namespace
}  // namespace rw::test
