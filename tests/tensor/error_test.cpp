// require throws the type that was asked for, with the formatted text.
#include "rewind/tensor/error.h"

#include <gtest/gtest.h>

namespace {

TEST(Require, ThrowsTheNamedErrorWithItsText) {
  try {
    rw::require<rw::ShapeError>(false, "matmul: inner sizes differ, {} and {}", 3, 4);
    FAIL() << "nothing was thrown";
  } catch (const rw::ShapeError& error) {
    EXPECT_STREQ(error.what(), "matmul: inner sizes differ, 3 and 4");
  }
}

TEST(Require, IsSilentWhenTheConditionHolds) { rw::require(true, "never said"); }

}  // namespace
