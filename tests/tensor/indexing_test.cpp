// Elements picked by number, against loops.
#include "rewind/tensor/indexing.h"

#include <gtest/gtest.h>

#include "rewind/tensor/convert.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/division.h"
#include "rewind/tensor/views.h"
#include "support/elements.h"

namespace rw {
namespace {

using Values = std::vector<double>;

Tensor counting(const Dims& shape, Dtype dtype = float32) {
  return reshape(arange(0, static_cast<double>(shape.count()), 1, dtype), shape);
}

TEST(Take, PicksRows) {
  const Tensor table = counting({4, 2});
  EXPECT_EQ(elements(take(table, tensor({3, 0, 3}))), (Values{6, 7, 0, 1, 6, 7}));
  const Tensor square = take(table, tensor({{1, 2}, {0, 1}}));
  EXPECT_EQ(square.shape(), (Dims{2, 2, 2}));
  EXPECT_EQ(elements(square), (Values{2, 3, 4, 5, 0, 1, 2, 3}));
  EXPECT_EQ(elements(take(table, scalar(2, int64))), (Values{4, 5}));
  EXPECT_EQ(take(arange(5), tensor({4, 4})).shape(), (Dims{2}));
}

TEST(Take, ReadsStridedTablesAndIndices) {
  const Tensor table = transpose(counting({2, 4}));
  const Tensor indices = slice(tensor({3, 9, 1, 9}), 0, 0, 4, 2);
  EXPECT_EQ(elements(take(table, indices)), (Values{3, 7, 1, 5}));
  EXPECT_EQ(elements(take(expand(ones({1}), {3, 2}), tensor({2}))), (Values{1, 1}));
}

// Its numbers, written out, would fill more memory than can be addressed.
TEST(Take, ReadsOnlyTheRowsThatItIsAskedFor) {
  const Index many = Index{1} << 45;
  const Tensor rows = expand(tensor({1, 2, 3}), {many, 3});
  EXPECT_EQ(elements(take(rows, tensor({many - 1, Index{0}}))), (Values{1, 2, 3, 1, 2, 3}));
  const Tensor flipped = permute(expand(tensor({{1, 2}, {3, 4}}), {many, 2, 2}), {0, 2, 1});
  EXPECT_EQ(elements(take(flipped, tensor({7}))), (Values{1, 3, 2, 4}));
  EXPECT_EQ(elements(gather(rows, 0, tensor({{Index{0}, many - 1, Index{5}}}))), (Values{1, 2, 3}));
}

TEST(Take, EmptyTablesIndicesAndRows) {
  EXPECT_EQ(take(counting({4, 2}), zeros({0}, int64)).shape(), (Dims{0, 2}));
  EXPECT_EQ(take(zeros({4, 0}), tensor({1})).shape(), (Dims{1, 0}));
  EXPECT_EQ(take(zeros({0, 3}), zeros({2, 0}, int64)).shape(), (Dims{2, 0, 3}));
}

TEST(Take, Refuses) {
  EXPECT_ERROR(take(zeros({16, 2}), tensor({0, 1, 2, 17})), IndexError,
               "take: index 17 at position 3 is outside [0, 16)");
  EXPECT_ERROR(take(zeros({16, 0}), tensor({{0, 1}, {-1, 2}})), IndexError,
               "take: index -1 at position [1, 0] is outside [0, 16)");
  EXPECT_ERROR(take(zeros({2}), zeros({2})), DtypeError,
               "take: indices are float32 [2]; convert them with to(x, int64)");
  EXPECT_ERROR(take(scalar(1, float32), tensor({0})), ShapeError, "take: float32 [] has no rows");
}

TEST(TakeAdjoint, AddsEachRowToItsPlace) {
  const Tensor dy = counting({3, 2});
  const Tensor indices = tensor({1, 3, 1});
  EXPECT_EQ(elements(take_adjoint(dy, indices, 4)), (Values{0, 0, 4, 6, 0, 0, 2, 3}));
  EXPECT_EQ(elements(take_adjoint(transpose(counting({2, 3})), indices, 4)),
            (Values{0, 0, 2, 8, 0, 0, 1, 4}));
  EXPECT_EQ(elements(take_adjoint(zeros({0, 1}), zeros({0}, int64), 2)), (Values{0, 0}));
  EXPECT_ERROR(take_adjoint(dy, tensor({1, 2}), 4), ShapeError,
               "take_adjoint: float32 [3, 2] does not begin with the sizes [2] of its indices");
  EXPECT_ERROR(take_adjoint(dy, indices, 2), IndexError,
               "take_adjoint: index 3 at position 1 is outside [0, 2)");
}

// Embedding gradients elsewhere lost repeats, or changed their bits with the thread count.
TEST(TakeAdjoint, Bug39AThousandRepeatsOfOneIndex) {
  const Tensor dy = expand(full({1}, 0.1), {1000, 3});
  const Tensor indices = expand(tensor({2}), {1000});
  float expected = 0;
  for (int i = 0; i < 1000; i++) expected += 0.1F;
  const auto sums = elements(take_adjoint(dy, indices, 4));
  for (std::size_t i = 0; i < 12; i++) EXPECT_EQ(sums[i], i / 3 == 2 ? expected : 0.0F);
}

TEST(AddRows, AddsInPlaceWhenItMay) {
  Tensor into = ones({3, 2});
  const float* before = into.data<float>();
  into = add_rows(std::move(into), tensor({2, 2}), counting({2, 2}));
  EXPECT_EQ(into.data<float>(), before);
  EXPECT_EQ(elements(into), (Values{1, 1, 1, 1, 3, 5}));
  const Tensor kept = ones({2});
  EXPECT_EQ(elements(add_rows(kept, tensor({0}), ones({1}))), (Values{2, 1}));
  EXPECT_EQ(elements(kept), (Values{1, 1}));
}

TEST(AddRows, ChecksBeforeItWrites) {
  Tensor into = zeros({2, 1});
  EXPECT_ERROR(apply(AddRows{}, std::move(into), tensor({0, 5}), ones({2, 1})), IndexError,
               "add_rows: index 5 at position 1 is outside [0, 2)");
  EXPECT_EQ(elements(into), (Values{0, 0}));
  EXPECT_ERROR(add_rows(into, tensor({0, 1}), ones({2, 2})), ShapeError,
               "add_rows: float32 [2, 2] by the indices [2] does not fit the rows of float32 "
               "[2, 1]");
  EXPECT_ERROR(add_rows(into, tensor({0}), ones({1, 1}, float64)), DtypeError,
               "add_rows: dtypes differ, float32 [2, 1] and float64 [1, 1]");
}

TEST(Gather, PicksAlongAnyAxis) {
  const Tensor x = counting({2, 3});
  EXPECT_EQ(elements(gather(x, 1, tensor({{2}, {0}}))), (Values{2, 3}));
  EXPECT_EQ(elements(gather(x, 0, tensor({{1, 0, 1}}))), (Values{3, 1, 5}));
  EXPECT_EQ(elements(gather(transpose(x), 0, tensor({{2, 0}}))), (Values{2, 3}));
  EXPECT_EQ(gather(x, -1, zeros({2, 0}, int64)).shape(), (Dims{2, 0}));
}

TEST(Gather, AndScatterAddReadStridedTensorsAlongAnyAxis) {
  const Tensor x = counting({2, 3, 4}),
               strided = permute(contiguous(permute(x, {2, 0, 1})), {1, 2, 0});
  for (Index axis = 0; axis < 3; axis++) {
    Dims shape = x.shape();
    shape.set(static_cast<int>(axis), 2);
    const Tensor index = remainder(reshape(arange(shape.count()), shape), 2);
    const Tensor source = to(index, float32) + 1;
    EXPECT_EQ(elements(gather(strided, axis, index)), elements(gather(x, axis, index)));
    EXPECT_EQ(elements(scatter_add(strided, axis, index, source)),
              elements(scatter_add(x, axis, index, source)));
  }
}

TEST(Gather, AgreesWithTheLoop) {
  const Tensor x = counting({3, 4, 2});
  Tensor index = zeros({3, 5, 2}, int64);
  Index next = 0;
  for (Index& i : index.mutable_span<Index>()) i = (next += 7) % 4;
  const Tensor y = gather(x, 1, index);
  for (Index i = 0; i < 3; i++) {
    for (Index j = 0; j < 5; j++) {
      for (Index k = 0; k < 2; k++) {
        const auto at = static_cast<Index>(index[i][j][k].item());
        ASSERT_EQ(y[i][j][k].item(), x[i][at][k].item());
      }
    }
  }
}

TEST(Gather, Refuses) {
  const Tensor x = counting({2, 3});
  EXPECT_ERROR(gather(x, 1, tensor({{0, 1}, {3, 0}})), IndexError,
               "gather: index 3 at position [1, 0] is outside [0, 3)");
  EXPECT_ERROR(gather(x, 1, tensor({{0}})), ShapeError,
               "gather: indices [1, 1] do not fit float32 [2, 3]; all sizes but that of axis 1 "
               "must be equal");
  EXPECT_ERROR(gather(x, 2, tensor({{0}})), IndexError,
               "gather: axis 2 is outside a tensor of rank 2");
}

TEST(ScatterAdd, IsTheAdjointOfGather) {
  const Tensor x = zeros({2, 3}, float64);
  const Tensor index = tensor({{2, 2}, {0, 1}});
  EXPECT_EQ(elements(scatter_add(x, 1, index, counting({2, 2}, float64) + 1)),
            (Values{0, 0, 3, 3, 4, 0}));
  EXPECT_EQ(elements(scatter_add(ones({2, 2}, int64), 0, tensor({{1, 0}}), tensor({{5, 6}}))),
            (Values{1, 7, 6, 1}));
  EXPECT_EQ(elements(x), Values(6, 0));
  EXPECT_ERROR(scatter_add(x, 1, index, zeros({2, 3}, float64)), ShapeError,
               "scatter_add: source float64 [2, 3] and indices [2, 2] differ in shape");
  EXPECT_ERROR(scatter_add(x, 1, index, zeros({2, 2})), DtypeError,
               "scatter_add: dtypes differ, float64 [2, 3] and float32 [2, 2]");
  EXPECT_THROW(scatter_add(x, 1, tensor({{3}, {0}}), zeros({2, 1}, float64)), IndexError);
}

TEST(OneHot, MarksTheClass) {
  const Tensor y = one_hot(tensor({2, 0}), 3);
  EXPECT_EQ(y.spec(), (Spec{{2, 3}, float32}));
  EXPECT_EQ(elements(y), (Values{0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(one_hot(scalar(1, int64), 2, boolean).spec(), (Spec{{2}, boolean}));
  EXPECT_EQ(one_hot(zeros({0}, int64), 0).shape(), (Dims{0, 0}));
  EXPECT_ERROR(one_hot(tensor({3}), 3), IndexError,
               "one_hot: index 3 at position 0 is outside [0, 3)");
}

}  // namespace
}  // namespace rw
