// Sums and products with numbers: what broadcasting and recording do not show.
#include "rewind/tensor/arithmetic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "rewind/tensor/creation.h"

namespace rw {
namespace {

TEST(Arithmetic, ProductsWithANumberAndNegationKeepTheSignOfZero) {
  const auto sign = [](const Tensor& x) { return std::signbit(x.item()); };
  for (Dtype dtype : {float32, float64}) {
    const Tensor zero = zeros({1}, dtype), minus = full({1}, -0.0, dtype);
    EXPECT_EQ((1 / -zero).item(), -std::numeric_limits<double>::infinity());
    EXPECT_FALSE(sign(-minus));
    EXPECT_TRUE(sign(minus * 2) && sign(2 * minus) && sign(zero * -1) && sign(-1 * zero));
    EXPECT_TRUE(sign(minus - 0) && sign(minus + -0.0));
    EXPECT_FALSE(sign(minus + 0) || sign(0 - zero) || sign(minus * -2) || sign(zero * 2));
  }
  EXPECT_EQ((-tensor({5, 0}) * 3).span<Index>()[0], -15);
}

}  // namespace
}  // namespace rw
