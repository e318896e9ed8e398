// Parts of tensors: read, replaced, added to.
#include "rewind/tensor/regions.h"

#include <gtest/gtest.h>

#include "rewind/tensor/creation.h"
#include "support/elements.h"

namespace rw {
namespace {

using Values = std::vector<double>;

Tensor counting(const Dims& shape) { return reshape(arange(shape.count()), shape); }

template <class T>
concept CanBeSet = requires(T&& x) {
  std::forward<T>(x).set(0, 1.0);
};
static_assert(CanBeSet<Tensor&>);
static_assert(!CanBeSet<Tensor>, "x[t].set(...) would do nothing");
static_assert(!CanBeSet<const Tensor&>);

TEST(Set, ReplacesARow) {
  Tensor x = counting({2, 2});
  x.set(1, tensor({8, 9}));
  EXPECT_EQ(elements(x), (Values{0, 1, 8, 9}));
  x.set(-2, 7);
  EXPECT_EQ(elements(x), (Values{7, 7, 8, 9}));
}

TEST(Set, ReplacesAnyRegion) {
  Tensor x = zeros({3, 4});
  x.set({kAll, 0}, tensor({1.0, 2.0, 3.0}));
  x.set({Range{1, kEnd}, Range{1, 4, 2}}, 5);
  x.set({0, -1}, 9);
  EXPECT_EQ(elements(x), (Values{1, 0, 0, 9, 2, 5, 0, 5, 3, 5, 0, 5}));
  x.set(kAll, transpose(zeros({4, 3})));
  EXPECT_EQ(elements(x), Values(12, 0));
  x.set({Range{0, 2}, kAll}, tensor({{1.0}, {2.0}}));
  EXPECT_EQ(elements(x), (Values{1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 0, 0}));
}

TEST(Set, EveryRegionOfASmallTensorAgreesWithTheLoop) {
  for (Index start = 0; start <= 5; start++) {
    for (Index stop = start; stop <= 5; stop++) {
      for (Index step = 1; step <= 6; step++) {
        Tensor x = zeros({2, 5});
        x.set({kAll, Range{start, stop, step}}, 1);
        for (Index i = 0; i < 10; i++) {
          const Index j = i % 5;
          const bool inside = j >= start && j < stop && (j - start) % step == 0;
          ASSERT_EQ(x[i / 5][j].item(), inside);
        }
        EXPECT_EQ(elements(part(x, {kAll, Range{start, stop, step}})),
                  elements(slice(x, 1, start, stop, step)));
      }
    }
  }
}

TEST(Set, HappensInPlaceWhenNobodyElseSees) {
  Tensor x = zeros({4});
  const float* before = x.data<float>();
  x.set(1, 3);
  EXPECT_EQ(x.data<float>(), before);
}

TEST(Set, NeverChangesACopyOrAView) {
  Tensor x = zeros({2, 2});
  const Tensor copy = x;
  const Tensor row = x[0];
  x.set(0, 5);
  EXPECT_EQ(elements(copy), Values(4, 0));
  EXPECT_EQ(elements(row), Values(2, 0));
  EXPECT_EQ(elements(x), (Values{5, 5, 0, 0}));
}

TEST(Set, TakesItsValueFromTheTensorItself) {
  Tensor x = counting({3, 2});
  x.set(Range{1, kEnd}, slice(x, 0, 0, 2));
  EXPECT_EQ(elements(x), (Values{0, 1, 0, 1, 2, 3}));
}

TEST(Set, EmptyRegionsAndScalars) {
  Tensor x = counting({2, 2});
  x.set({kAll, Range{1, 1}}, 9);
  EXPECT_EQ(elements(x), (Values{0, 1, 2, 3}));
  Tensor empty = zeros({0, 2});
  empty.set({kAll, 1}, 4);
  EXPECT_EQ(empty.size(), 0);
  Tensor number = scalar(1, float32);
  number.set(std::initializer_list<Region::Entry>{}, 2);
  EXPECT_EQ(number.item(), 2);
}

TEST(Set, Refuses) {
  Tensor x = zeros({4, 3});
  EXPECT_ERROR(x.set(4, 1), IndexError, "set: position 4 is outside axis 0 of float32 [4, 3]");
  EXPECT_ERROR(x.set({0, 0, 0}, 1), IndexError, "set: a region of 3 axes in float32 [4, 3]");
  EXPECT_ERROR(x.set(Range{2, 5}, 1), IndexError,
               "set: 2:5 is no part of axis 0 of float32 [4, 3]");
  EXPECT_ERROR(x.set(Range{5}, 1), IndexError, "set: 5: is no part of axis 0 of float32 [4, 3]");
  EXPECT_ERROR(x.set(Range{0, 2, 0}, 1), ValueError, "set: step 0 on axis 0 is not positive");
  EXPECT_ERROR(x.set(0, ones({2})), ShapeError,
               "set: float32 [2] does not fill a region [3] of float32 [4, 3]");
  EXPECT_ERROR(x.set(0, ones({3}, float64)), DtypeError,
               "set: float64 [3] cannot be put into float32 [4, 3]; convert it with to(x, dtype)");
  Tensor whole = zeros({2}, int64);
  EXPECT_ERROR(whole.set(0, 0.5), DtypeError,
               "set: 0.5 is not a whole number, as the elements of int64 [2] are; take a floating "
               "dtype, as in to(x, float32)");
  EXPECT_ERROR(apply(SetRegion{{2}, {2}, {2}, 0}, zeros({4}), zeros({2})), IndexError,
               "set: [2] positions from [2] in steps of [2] are no region of float32 [4]");
  EXPECT_EQ(elements(x), Values(12, 0));
}

TEST(Part, IsAView) {
  const Tensor x = counting({3, 4, 2});
  const Tensor y = part(x, {-1, Range{1, 3}, 0});
  EXPECT_TRUE(y.shares_storage_with(x));
  EXPECT_EQ(elements(y), (Values{18, 20}));
  EXPECT_EQ(elements(part(x, Range{0, 1})), elements(slice(x, 0, 0, 1)));
  EXPECT_ERROR(part(x, 3), IndexError, "part: position 3 is outside axis 0 of int64 [3, 4, 2]");
}

TEST(SliceAdd, AddsIntoTheSliceInPlace) {
  Tensor x = ones({2, 5});
  const float* before = x.data<float>();
  x = slice_add(std::move(x), tensor({{1.0, 2.0}, {3.0, 4.0}}), 1, 1, 5, 2);
  EXPECT_EQ(x.data<float>(), before);
  EXPECT_EQ(elements(x), (Values{1, 2, 1, 3, 1, 1, 4, 1, 5, 1}));
  x = slice_add(std::move(x), transpose(ones({5, 1})), 0, 1, 2);
  EXPECT_EQ(elements(x), (Values{1, 2, 1, 3, 1, 2, 5, 2, 6, 2}));
  EXPECT_EQ(elements(slice_add(ones({2}), zeros({0}), 0, 1, 1)), (Values{1, 1}));
}

TEST(SliceAdd, OfOnePositionTakesAStepOfAnyLength) {
  const Index far = std::numeric_limits<Index>::max();
  EXPECT_EQ(elements(slice_add(ones({2, 2}), ones({1, 2}), 0, 1, 2, far)), (Values{1, 1, 2, 2}));
  EXPECT_EQ(elements(slice_add(ones({2, 2}), ones({0, 2}), 0, 1, 1, far)), (Values{1, 1, 1, 1}));
}

TEST(SliceAdd, Refuses) {
  EXPECT_ERROR(slice_add(ones({3}), ones({2}), 0, 2, 4), IndexError,
               "slice_add: 2:4 with step 1 is no part of axis 0 of float32 [3]");
  EXPECT_ERROR(slice_add(ones({3}), ones({3}), 0, 1, 3), ShapeError,
               "slice_add: float32 [3] has not the shape [2] of the slice of float32 [3]");
  EXPECT_ERROR(slice_add(ones({3}), ones({1}, float64), 0, 0, 1), DtypeError,
               "slice_add: dtypes differ, float32 [3] and float64 [1]");
}

}  // namespace
}  // namespace rw
