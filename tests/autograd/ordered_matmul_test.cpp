// The gradients of an ordered product: the same bits for a row, or a column, whichever stand beside
// it.
#include "rewind/tensor/ordered_matmul.h"

#include <gtest/gtest.h>

#include "rewind/autograd/tape.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/views.h"
#include "support/same_bits.h"

namespace rw::test {
namespace {

// Of the columns `begin` to `end` of b, which meet several matrices.
Tensor gradient_of_columns(const Tensor& a, const Tensor& b, const Tensor& dy, Index begin,
                           Index end) {
  Tape tape;
  const Tensor columns = tape.watch(contiguous(slice(b, 1, begin, end)));
  return tape.backward({{ordered_matmul(a, columns), slice(dy, 2, begin, end)}})[columns];
}

TEST(OrderedMatMul, TheGradientOfAColumnIsThatOfItAlone) {
  constexpr Index kColumns = 8;
  for (const Dtype dtype : {float32, float64}) {
    Rng rng(1);
    const Tensor a = normal({3, 19, 17}, {.dtype = dtype}, rng);
    const Tensor b = normal({17, kColumns}, {.dtype = dtype}, rng);
    const Tensor dy = normal({3, 19, kColumns}, {.dtype = dtype}, rng);
    const Tensor all = gradient_of_columns(a, b, dy, 0, kColumns);
    for (Index n = 1; n < kColumns; n++) {
      EXPECT_TRUE(same_bits(gradient_of_columns(a, b, dy, 0, n), slice(all, 1, 0, n))) << n;
      EXPECT_TRUE(same_bits(gradient_of_columns(a, b, dy, n, n + 1), slice(all, 1, n, n + 1))) << n;
    }
  }
}

TEST(OrderedMatMul, TheGradientOfARowIsThatOfItAlone) {
  Rng rng(2);
  const Tensor a = normal({9, 33}, {}, rng), b = normal({33, 130}, {}, rng);
  const Tensor dy = normal({9, 130}, {}, rng);
  const auto gradient = [&](Index begin, Index end) {
    Tape tape;
    const Tensor rows = tape.watch(contiguous(slice(a, 0, begin, end)));
    return tape.backward({{ordered_matmul(rows, b), slice(dy, 0, begin, end)}})[rows];
  };
  const Tensor all = gradient(0, 9);
  for (Index i = 0; i < 9; i++) {
    EXPECT_TRUE(same_bits(gradient(i, i + 1), slice(all, 0, i, i + 1))) << i;
  }
}

}  // namespace
}  // namespace rw::test
