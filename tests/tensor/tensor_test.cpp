// A tensor as a value: sharing, copy-on-write, views, limits.
#include "rewind/tensor/tensor.h"

#include <gtest/gtest.h>

#include <thread>

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/regions.h"

namespace rw {
namespace {

Tensor counting(const Dims& shape) {
  Tensor x = Tensor::uninitialized({shape, float32});
  float next = 0;
  for (float& v : x.mutable_span<float>()) v = next++;
  return x;
}

TEST(Tensor, AHandleIsSixteenBytes) { EXPECT_EQ(sizeof(Tensor), 16u); }

TEST(Tensor, WritingACopyNeverChangesTheOriginal) {
  const Tensor x = counting({2, 3});
  Tensor y = x;
  EXPECT_TRUE(y.shares_storage_with(x));
  y.mutable_span<float>()[0] = 7;
  EXPECT_EQ(x.span<float>()[0], 0);
  EXPECT_EQ(y.span<float>()[0], 7);
  EXPECT_FALSE(y.shares_storage_with(x));
}

TEST(Tensor, WritingTheOriginalNeverChangesAView) {
  Tensor x = counting({2, 3});
  const Tensor row = x.view({3}, {1}, 3);
  x.mutable_span<float>()[3] = 7;
  EXPECT_EQ(row.span<float>()[0], 3);
}

TEST(Tensor, ASoleOwnerWritesInPlace) {
  Tensor x = counting({4});
  const float* before = x.data<float>();
  x.mutable_span<float>()[0] = 1;
  EXPECT_EQ(x.data<float>(), before);
}

TEST(Tensor, AViewKeepsTheNumbersAlive) {
  Tensor row;
  {
    const Tensor x = counting({2, 3});
    row = x.view({3}, {1}, 3);
  }
  EXPECT_EQ(row.span<float>()[2], 5);
}

TEST(Tensor, TheNumbersAreAlignedToACacheLine) {
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(counting({1000}).data<float>()) % 64, 0u);
}

TEST(Tensor, ForeignMemoryIsReleasedOnceWithTheLastHandle) {
  int released = 0;
  float numbers[] = {1, 2, 3};
  {
    Tensor x = Tensor::foreign(numbers, {{3}, float32}, {1}, [&] { released++; });
    Tensor y = x;
    y.mutable_span<float>()[0] = 9;
    EXPECT_EQ(numbers[0], 1);
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
}

TEST(Tensor, NothingEverWritesIntoForeignMemory) {
  float numbers[] = {1, 2, 3};
  const auto made = [&] { return Tensor::foreign(numbers, {{3}, float32}, {1}, {}); };
  EXPECT_FALSE(made().unique());
  Tensor x = made();
  x.mutable_span<float>()[0] = 9;
  EXPECT_NE((made() + 1).data<float>(), numbers);
  Tensor y = made();
  y.set(0, 5);
  EXPECT_EQ(y.span<float>()[0], 5);
  EXPECT_EQ(std::vector<float>(numbers, numbers + 3), (std::vector<float>{1, 2, 3}));
}

TEST(Tensor, SizesAreCheckedAgainstOverflow) {
  const Index big = Index{1} << 32;
  EXPECT_THROW(Tensor::uninitialized({{big, big}, float32}), ShapeError);
  EXPECT_THROW(Tensor::uninitialized({{2, 2, 1, Index{1} << 61}, float32}), ShapeError);
  EXPECT_THROW(Tensor::uninitialized({{big, big, 0}, float32}), ShapeError);
  EXPECT_THROW(Tensor::uninitialized({{Index{1} << 61}, float64}), ShapeError);
  EXPECT_THROW((Dims{2, -1}), ShapeError);
  EXPECT_THROW((Dims{1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
}

TEST(Tensor, ReadingAnotherTypeNamesBoth) {
  try {
    counting({2}).data<double>();
    FAIL();
  } catch (const DtypeError& e) {
    EXPECT_STREQ(e.what(), "data: the tensor is float32 [2], not float64");
  }
}

TEST(Tensor, AnUndefinedHandleIsAClearError) {
  EXPECT_THROW(Tensor().shape(), ValueError);
  EXPECT_THROW(Tensor() + counting({1}), ValueError);
}

TEST(Tensor, TemporariesGiveTheirStorageToTheResult) {
  const Tensor x = counting({100});
  const std::size_t before = memory::blocks_in_use();
  const Tensor y = 1 - (x * 2 + x) * x;
  EXPECT_EQ(memory::blocks_in_use(), before + 1);
  EXPECT_EQ(y.span<float>()[2], 1 - 6 * 2);
}

TEST(Tensor, MayDieInAnotherThread) {
  const std::size_t before = memory::blocks_in_use();
  std::vector<Tensor> made(1000);
  std::thread([&] {
    for (Tensor& x : made) x = counting({8});
  }).join();
  made.clear();
  EXPECT_EQ(memory::blocks_in_use(), before);
}

}  // namespace
}  // namespace rw
