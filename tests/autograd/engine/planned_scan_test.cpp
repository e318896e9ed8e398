// Planned scans beside plain loops, for cells of every form that the papers know, and some that
// only this file does: values, gradients, and gradients of gradients.
#include <gtest/gtest.h>

#include "autograd/engine/cell_cases.h"
#include "rewind/tensor/regions.h"
#include "support/message_of.h"

namespace rw::test {
namespace {

void expect_plain_loops(const std::vector<NamedCase>& cells) {
  for (const NamedCase& cell : cells) {
    for (const ScanCase& way : every_way(cell)) expect_the_plain_loop(way, cell.name);
  }
}

TEST(PlannedScan, IsThePlainLoopForCellsOfEveryForm) { expect_plain_loops(known_cells()); }
TEST(PlannedScan, IsThePlainLoopForAttention) { expect_plain_loops(attentive_cells()); }
TEST(PlannedScan, IsThePlainLoopForUnusualSteps) { expect_plain_loops(unusual_cells()); }

TEST(PlannedScan, RefusesAGeneratorOfTheStepsOwn) {
  Rng own(3);
  const auto step = [&](const Tensor& x, const Tensor& h) {
    return h + x * uniform(x.shape(), {.dtype = float64}, own);
  };
  try {
    scan(step, numbers({T, B, H}, 1), numbers({B, H}, 2));
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_EQ(std::string(error.what()),
              "scan: uniform in the step draws from a generator of its own; draw from this "
              "thread's, which Random sets, or use loop");
  }
}

// Also where the first of the inner scan's results, its last state, is wanted by nobody.
TEST(PlannedScan, RefusesLengthsWhereAScanInsideMayMixRows) {
  const auto inner = [](const Tensor& h) { return h * 0.5; };
  const auto step = [&](const Tensor& x, const Tensor& h) {
    return x + sum(scan(inner, 2, h).outputs, 0);
  };
  EXPECT_EQ(message_of<ShapeError>([&] {
              scan(step, numbers({T, B, H}, 1), numbers({B, H}, 2), {.lengths = {1, 2, 3}});
            }),
            "scan: the step mixes rows of the batch, or seems to, scan{2 steps} of float64 [3, 5], "
            "and with lengths they are not all there; if it keeps them apart, use loop or "
            "PlainLoops, or declare an operation of yours `rowwise`");
}

}  // namespace
}  // namespace rw::test
