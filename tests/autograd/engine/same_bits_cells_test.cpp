// The same bits for any number of threads, of everything that can be asked of a scan: final states,
// states of every step, both derivatives; reversed, with resets and lengths; in both precisions; of
// cells that packed products and element programs run, and of cells with kernels of their own.
#include <gtest/gtest.h>

#include "autograd/engine/bits_of_threads.h"
#include "autograd/engine/wide_cells.h"
#include "rewind/autograd/engine/plans.h"
#include "rewind/autograd/explain.h"

namespace rw::test {
namespace {

using wide::kRows, wide::kSteps, wide::lengths_of;

class SameBitsOf : public testing::TestWithParam<wide::Cell> {};

constexpr auto kSeveral = {2, 3, 5, 8};

// Reversed where there are lengths.
void expect_the_same_bits_with_and_without_lengths(ScanCase c) {
  for (const bool lengths : {false, true}) {
    if (lengths) c.lengths = lengths_of(kRows);
    c.reverse = lengths;
    const Dtype dtype = c.weights[0].dtype();
    SCOPED_TRACE(fmt::format("{}{}", name_of(dtype), lengths ? " with lengths" : ""));
    expect_the_same_bits(c, kSeveral);
  }
}

TEST_P(SameBitsOf, ScansForAnyNumberOfThreads) {
  for (const Dtype dtype : {float32, float64}) {
    ScanCase c = wide::scan_case(GetParam(), dtype);
    for (const bool reverse : {false, true}) {
      SCOPED_TRACE(fmt::format("{}{}", name_of(dtype), reverse ? " reversed" : ""));
      c.reverse = reverse;
      expect_the_same_bits(c, kSeveral);
    }
  }
}

TEST_P(SameBitsOf, ScansWithResetsAndLengthsForAnyNumberOfThreads) {
  for (const Dtype dtype : {float32, float64}) {
    ScanCase c = wide::scan_case(GetParam(), dtype);
    c.reset = greater(numbers({kSteps, kRows}, 4), 0.4);
    expect_the_same_bits_with_and_without_lengths(std::move(c));
  }
}

TEST_P(SameBitsOf, ScansInSegmentsForAnyNumberOfThreads) {
  ScanCase c = wide::scan_case(GetParam(), float32);
  c.segments = 3;
  expect_the_same_bits(c, kSeveral);
}

TEST_P(SameBitsOf, ScansWhoseColumnsAreSharedForAnyNumberOfThreads) {
  engine::PlanOptions options;
  options.program.share_columns = true;
  const engine::PlanningWith scope(options);
  for (const Dtype dtype : {float32, float64}) {
    expect_the_same_bits_with_and_without_lengths(wide::scan_case(GetParam(), dtype));
  }
}

// Of which the last worker has one.
TEST_P(SameBitsOf, ScansOfOneRowMoreThanWorkersShareEvenly) {
  for (const Dtype dtype : {float32, float64}) {
    ScanCase c = wide::scan_case(GetParam(), dtype);
    constexpr Index kFew = 57;
    c.xs[0] = slice(c.xs[0], 1, 0, kFew);
    for (Tensor& s : c.initial) s = slice(s, 0, 0, kFew);
    c.weights[3] = slice(c.weights[3], 0, 0, kFew);
    expect_the_same_bits(c, {2, 8});
    c.lengths = lengths_of(kFew);
    expect_the_same_bits(c, {2, 8});
  }
}

TEST_P(SameBitsOf, AreAskedOfCellsWhoseRowsAreShared) {
  const ScanCase c = wide::scan_case(GetParam(), float32);
  const auto step = [&](const Tensors& x, const Tensors& s) { return c.step(x, s, c.weights); };
  const Threads scope(8);
  const std::string text = explain(step, c.xs, c.initial);
  const std::string_view shared = "rows: 14 for each of 8 workers";
  EXPECT_NE(text.find(shared), std::string::npos) << text;
  EXPECT_NE(text.find(shared, text.find("backward")), std::string::npos) << text;
  EXPECT_EQ(text.find("    ordinary ") != std::string::npos, GetParam().runs_kernels) << text;
}

INSTANTIATE_TEST_SUITE_P(Cells, SameBitsOf, testing::ValuesIn(wide::cells()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace rw::test
