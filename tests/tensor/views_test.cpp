// Views against the definition, element by element, and what they refuse.
#include "rewind/tensor/views.h"

#include <gtest/gtest.h>

#include "rewind/tensor/creation.h"
#include "support/elements.h"

namespace rw {
namespace {

Tensor counting(const Dims& shape) { return reshape(arange(shape.count()), shape); }
Tensor unknown(const Dims& shape) { return Tensor::shape_only({shape, float32}); }

TEST(Reshape, KeepsTheOrderOfElements) {
  const Tensor x = counting({2, 6});
  const Tensor y = reshape(x, {3, -1});
  EXPECT_EQ(y.shape(), (Dims{3, 4}));
  EXPECT_EQ(elements(y), elements(x));
  EXPECT_TRUE(y.shares_storage_with(x));
}

TEST(Reshape, ViewsWhatStridesCanSay) {
  const Tensor x = slice(counting({4, 6}), 1, 0, 4);  // strides 6, 1
  for (const Dims& shape : {Dims{4, 2, 2}, Dims{2, 2, 4}, Dims{1, 4, 1, 4}, Dims{2, 2, 2, 2}}) {
    const Tensor y = reshape(x, shape);
    EXPECT_TRUE(y.shares_storage_with(x)) << to_string(shape);
    EXPECT_EQ(elements(y), elements(x));
  }
  const Tensor steps = slice(counting({12}), 0, 0, 12, 2);
  EXPECT_TRUE(reshape(steps, {2, 3}).shares_storage_with(steps));
  EXPECT_EQ(elements(reshape(steps, {2, 3})), elements(steps));
}

TEST(Reshape, CopiesWhatTheyCannot) {
  const Tensor x = transpose(counting({2, 3}));
  const Tensor y = reshape(x, {6});
  EXPECT_FALSE(y.shares_storage_with(x));
  EXPECT_EQ(elements(y), (std::vector<double>{0, 3, 1, 4, 2, 5}));
}

TEST(Reshape, KnowsTheShapeWithoutTheNumbers) {
  EXPECT_EQ(reshape(transpose(unknown({2, 3})), {6}).spec(), (Spec{{6}, float32}));
  EXPECT_FALSE(reshape(transpose(unknown({2, 3})), {6}).has_data());
}

TEST(Reshape, EmptyTensorsAndScalars) {
  EXPECT_EQ(reshape(zeros({0, 3}), {5, 0}).shape(), (Dims{5, 0}));
  EXPECT_EQ(reshape(zeros({0, 3}), {3, -1}).shape(), (Dims{3, 0}));
  EXPECT_EQ(reshape(ones({1, 1}), {}).rank(), 0);
  EXPECT_EQ(reshape(scalar(3, float32), {1, 1}).item(), 3);
}

TEST(Views, WithoutElementsLieRowAfterRow) {
  EXPECT_TRUE(transpose(zeros({3, 0})).contiguous());
  EXPECT_TRUE(slice(zeros({3, 4}), 0, 1, 1).contiguous());
  EXPECT_EQ(permute(zeros({2, 0, 3}), {2, 1, 0}).span<float>().size(), 0u);
}

TEST(Reshape, Refuses) {
  const Tensor x = counting({2, 3});
  EXPECT_ERROR(reshape(x, {4, 2}), ShapeError,
               "reshape: int64 [2, 3] has 6 elements, [4, 2] has 8; give one size as -1 to have it "
               "computed");
  EXPECT_ERROR(reshape(x, {-1, 4}), ShapeError,
               "reshape: 6 elements of int64 [2, 3] cannot be shared out over [-1, 4]");
  EXPECT_ERROR(reshape(x, {-1, -1}), ShapeError,
               "reshape: two sizes of [-1, -1] are -1; one can be computed");
  EXPECT_THROW(reshape(zeros({0}), {-1, 0}), ShapeError);
}

TEST(Permute, MovesEveryElement) {
  const Tensor x = counting({2, 3, 4});
  const Tensor y = permute(x, {2, 0, -2});
  ASSERT_EQ(y.shape(), (Dims{4, 2, 3}));
  for (Index i = 0; i < 2; i++) {
    for (Index j = 0; j < 3; j++) {
      for (Index k = 0; k < 4; k++) EXPECT_EQ(y[k][i][j].item(), x[i][j][k].item());
    }
  }
  EXPECT_EQ(permute(scalar(1, float32), {}).rank(), 0);
  EXPECT_EQ(permute(unknown({2, 3}), {1, 0}).shape(), (Dims{3, 2}));
}

TEST(Permute, Refuses) {
  EXPECT_ERROR(permute(counting({2, 3}), {0, 0}), ShapeError,
               "permute: [0, 0] is not an order of the axes of int64 [2, 3]; name each of its 2 "
               "axes once");
  EXPECT_THROW(permute(counting({2, 3}), {0}), ShapeError);
  EXPECT_ERROR(permute(counting({2, 3}), {0, 2}), IndexError,
               "permute: axis 2 is outside a tensor of rank 2");
}

TEST(Transpose, ExchangesTwoAxes) {
  EXPECT_EQ(elements(transpose(counting({2, 3}))), (std::vector<double>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(transpose(counting({2, 3, 4}), 0, 2).shape(), (Dims{4, 3, 2}));
  EXPECT_ERROR(transpose(counting({3})), IndexError,
               "transpose: axis -2 is outside a tensor of rank 1");
}

TEST(Expand, RepeatsWithoutCopying) {
  const Tensor x = counting({2, 1});
  const Tensor y = expand(x, {2, 2, 3});
  EXPECT_TRUE(y.shares_storage_with(x));
  EXPECT_EQ(elements(y), (std::vector<double>{0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(expand(ones({1}), {0}).size(), 0);
  EXPECT_EQ(expand(unknown({1}), {2, 5}).shape(), (Dims{2, 5}));
}

TEST(Expand, Refuses) {
  EXPECT_ERROR(expand(counting({2, 3}), {4, 3}), ShapeError,
               "expand: int64 [2, 3] does not repeat to [4, 3]; aligned at the last axis, sizes "
               "must be equal or 1");
  EXPECT_THROW(expand(counting({2, 3}), {3}), ShapeError);
  EXPECT_THROW(expand(counting({2}), {1}), ShapeError);
}

TEST(Squeeze, AndUnsqueezeAreViews) {
  const Tensor x = transpose(counting({2, 3}));
  EXPECT_EQ(unsqueeze(x, 0).shape(), (Dims{1, 3, 2}));
  EXPECT_EQ(unsqueeze(x, -1).shape(), (Dims{3, 2, 1}));
  EXPECT_TRUE(unsqueeze(x, 1).shares_storage_with(x));
  EXPECT_EQ(elements(squeeze(unsqueeze(x, 1), 1)), elements(x));
  EXPECT_EQ(squeeze(zeros({1, 0, 1})).shape(), (Dims{0}));
  EXPECT_ERROR(squeeze(x, 0), ShapeError, "squeeze: axis 0 of int64 [3, 2] has size 3, not 1");
  EXPECT_ERROR(unsqueeze(x, 3), IndexError, "unsqueeze: axis 3 is outside a tensor of rank 3");
}

TEST(Slice, TakesEveryStep) {
  const Tensor x = arange(7);
  for (Index start = 0; start <= 7; start++) {
    for (Index stop = start; stop <= 7; stop++) {
      for (Index step = 1; step <= 9; step++) {
        std::vector<double> expected;
        for (Index i = start; i < stop; i += step) expected.push_back(static_cast<double>(i));
        EXPECT_EQ(elements(slice(x, 0, start, stop, step)), expected);
      }
    }
  }
}

TEST(Slice, CountsFromTheEnd) {
  const Tensor x = counting({3, 4});
  EXPECT_EQ(elements(slice(x, -1, -2, kEnd)), (std::vector<double>{2, 3, 6, 7, 10, 11}));
  EXPECT_EQ(elements(slice(x, 0, 0, -2)), (std::vector<double>{0, 1, 2, 3}));
  EXPECT_EQ(slice(x, 1, 4, 4).shape(), (Dims{3, 0}));
  EXPECT_EQ(slice(unknown({5, 2}), 0, 1, 3).shape(), (Dims{2, 2}));
  EXPECT_EQ(elements(slice(x, 0, 0, 1, kEnd)), (std::vector<double>{0, 1, 2, 3}));
}

TEST(Slice, Refuses) {
  const Tensor x = counting({3, 4});
  EXPECT_ERROR(slice(x, 0, 4, kEnd), IndexError,
               "slice: start 4 is outside axis 0 of int64 [3, 4]");
  EXPECT_ERROR(slice(x, 0, 0, 5), IndexError, "slice: stop 5 is outside axis 0 of int64 [3, 4]");
  EXPECT_ERROR(slice(x, -1, -5, 2), IndexError,
               "slice: start -5 is outside axis -1 of int64 [3, 4]");
  EXPECT_ERROR(slice(x, 0, 2, 1), IndexError,
               "slice: start 2 lies behind stop 1 on axis 0 of int64 [3, 4]");
  EXPECT_ERROR(slice(x, 0, 0, 1, -1), ValueError,
               "slice: step -1 is not positive; use flip for the reverse");
  EXPECT_ERROR(apply(Slice{0, 0, 9, 1}, x), IndexError,
               "slice: 0:9 with step 1 is no part of axis 0 of int64 [3, 4]");
}

TEST(Select, DropsTheAxis) {
  const Tensor x = counting({2, 3});
  EXPECT_EQ(elements(select(x, 1, -1)), (std::vector<double>{2, 5}));
  EXPECT_EQ(elements(x[1]), (std::vector<double>{3, 4, 5}));
  EXPECT_EQ(x[-1][2].item(), 5);
  EXPECT_ERROR(x[2], IndexError, "select: position 2 is outside axis 0 of int64 [2, 3]");
  EXPECT_ERROR(x[0][0][0], IndexError, "select: axis 0 is outside a tensor of rank 0");
  EXPECT_THROW(zeros({0, 2})[0], IndexError);
  EXPECT_ERROR(apply(Select{2, 0}, x), IndexError,
               "select: position 0 of axis 2 is outside int64 [2, 3]");
}

TEST(Split, CutsIntoConsecutivePieces) {
  const Tensor x = counting({2, 5});
  const auto pieces = split(x, 2);
  ASSERT_EQ(pieces.size(), 3u);
  EXPECT_EQ(elements(pieces[1]), (std::vector<double>{2, 3, 7, 8}));
  EXPECT_EQ(pieces[2].shape(), (Dims{2, 1}));
  const auto rows = split(x, {0, 2}, 0);
  EXPECT_EQ(rows[0].shape(), (Dims{0, 5}));
  EXPECT_EQ(elements(rows[1]), elements(x));
  EXPECT_EQ(split(zeros({0}), 4).size(), 0u);
  EXPECT_EQ(split(x, kEnd).size(), 1u);
}

TEST(Split, PiecesMayBeLargerThanAnything) {
  const Index most = std::numeric_limits<Index>::max();
  EXPECT_EQ(split(counting({3}), most).size(), 1u);
  EXPECT_EQ(split(counting({0}), most).size(), 0u);
  const std::vector<Tensor> pieces = split(unknown({most / 4 * 3}), most / 3 * 2);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[1].size(), most / 4 * 3 - most / 3 * 2);
}

TEST(Split, Refuses) {
  const Tensor x = counting({2, 5});
  EXPECT_ERROR(split(x, {2, 2}), ShapeError,
               "split: sizes [2, 2] do not fill axis -1 of int64 [2, 5]");
  EXPECT_THROW(split(x, {6, -1}), ShapeError);
  EXPECT_ERROR(split(x, 0), ValueError,
               "split: pieces of size 0 would never fill axis -1 of int64 [2, 5]");
}

TEST(Flip, ReversesTheNamedAxes) {
  const Tensor x = counting({2, 3});
  EXPECT_EQ(elements(flip(x, {1})), (std::vector<double>{2, 1, 0, 5, 4, 3}));
  EXPECT_EQ(elements(flip(x, {0, -1})), (std::vector<double>{5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(elements(flip(transpose(x), {0})), (std::vector<double>{2, 5, 1, 4, 0, 3}));
  EXPECT_EQ(elements(flip(x, {})), elements(x));
  EXPECT_EQ(flip(zeros({0, 2}), {0}).shape(), (Dims{0, 2}));
  EXPECT_ERROR(flip(x, {0, -2}), ValueError, "flip: axis 0 is named twice in [0, 0]");
  EXPECT_ERROR(flip(x, {2}), IndexError, "flip: axis 2 is outside a tensor of rank 2");
}

TEST(Contiguous, CopiesOnlyWhatIsStrided) {
  const Tensor x = counting({2, 3});
  EXPECT_TRUE(contiguous(x).shares_storage_with(x));
  const Tensor y = contiguous(transpose(x));
  EXPECT_TRUE(y.contiguous());
  EXPECT_EQ(elements(y), (std::vector<double>{0, 3, 1, 4, 2, 5}));
}

TEST(Views, KeepEveryDtype) {
  for (Dtype dtype : {float32, float64, int64, boolean}) {
    const Tensor x = tensor({{1, 0, 1}, {0, 0, 1}}, dtype);
    EXPECT_EQ(elements(flip(x, {0, 1})), (std::vector<double>{1, 0, 0, 1, 0, 1}));
    EXPECT_EQ(contiguous(transpose(x)).dtype(), dtype);
  }
}

}  // namespace
}  // namespace rw
