// Element-wise operations on large tensors, which several threads share: the same for any number of
// threads, however the operands lie.
#include <gtest/gtest.h>

#include "rewind/tensor/activation.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/map.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/views.h"
#include "support/elements.h"
#include "support/same_bits.h"

namespace rw {
namespace {

constexpr Index kLong = 3, kRows = 1001, kColumns = 257;
static_assert(kLong * kRows * kColumns > 8 * kElementsForAWorker);

std::vector<Tensor> results() {
  Rng rng(3);
  const Tensor a = normal({kLong, kRows, kColumns}, {}, rng);
  const Tensor b = normal({kColumns, kRows, kLong}, {}, rng);
  const Tensor row = normal({kColumns}, {}, rng), column = normal({kRows, 1}, {}, rng);
  const Tensor turned = permute(b, {2, 1, 0});
  return {a + row,
          a * column,
          a - turned,
          turned * 2 + 1,
          tanh(a),
          sigmoid(turned),
          where(a > turned, a, row),
          where(a > column, turned, column),
          to(turned, float64),
          contiguous(turned)};
}

TEST(ElementwiseThreads, ShareLargeTensorsWithTheSameBits) {
  std::vector<Tensor> alone;
  {
    const Threads one(1);
    alone = results();
  }
  for (const int threads : {2, 3, 5, 8}) {
    const Threads scope(threads);
    const std::vector<Tensor> shared = results();
    for (std::size_t i = 0; i < alone.size(); i++) {
      EXPECT_TRUE(test::same_bits(shared[i], alone[i])) << i << " with " << threads;
    }
  }
}

TEST(ElementwiseThreads, EachRowIsThatOfItsNumber) {
  const Tensor x = normal({7, 5, 3}), turned = permute(x, {1, 0, 2});
  const Strides strides = turned.strides();
  const std::array<Strides, 1> all{strides};
  std::vector<Index> in_order;
  for_each_row<1>(turned.shape(), all, [&](const auto& at) { in_order.push_back(at[0]); });
  ASSERT_EQ(std::ssize(in_order), count_of_rows(turned.shape()));
  for (Index row = 0; row < std::ssize(in_order); row++) {
    EXPECT_EQ(RowWalk<1>(turned.shape(), all, row).offsets()[0],
              in_order[static_cast<std::size_t>(row)]);
  }
}

struct Root {
  static constexpr std::string_view name = "root";
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    map(x, y, [](auto v) {
      require(v >= 0, "root: of {}", v);
      return std::sqrt(v);
    });
  }
};

TEST(ElementwiseThreads, TheErrorIsThatOfTheFirstElement) {
  Tensor x = uniform({20 * kElementsForAWorker}, {});
  for (const Index part : {19, 7, 12}) {
    x.mutable_span<float>()[static_cast<std::size_t>(part * kElementsForAWorker + 5)] =
        static_cast<float>(-part);
  }
  for (const int threads : {1, 2, 5}) {
    const Threads scope(threads);
    EXPECT_ERROR(apply(Root{}, x), ValueError, "root: of -7");
  }
}

}  // namespace
}  // namespace rw
