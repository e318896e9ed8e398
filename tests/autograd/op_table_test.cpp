// Every operation of the library by its definition and against differences. The rows are in the
// files beside this one.
#include "autograd/op_table_checks.h"
#include "rewind/autograd/gradcheck.h"

namespace rw::test {
namespace {

class DefinedRow : public OpRowTest {};
class DifferentiableRow : public OpRowTest {};
class FloatRow : public OpRowTest {};
class SmoothRow : public OpRowTest {};    // differentiable, and not random
class StoppingRow : public OpRowTest {};  // from floats to integers or bool

TEST_P(DefinedRow, ValueIsThatOfTheDefinition) {
  const OpRow& row = GetParam();
  Tensors x = inputs_of(row);
  reference::expect_close(row.f(x), row.value(x), 1e-13, row.name);
  for (Tensor& input : x) input = spread_out(input);
  reference::expect_close(row.f(x), row.value(x), 1e-13, row.name + " of strided inputs");
  if (row.in.empty()) return;
  x = inputs_of(row, empty_shapes(row));
  reference::expect_close(row.f(x), row.value(x), 1e-13, row.name + " of nothing");
}

// Of sums of some ten terms, relative to the largest element.
constexpr double kFloat32Error = 2e-6;

void expect_float32_like_float64(const Tensors& seen, const Tensors& expected,
                                 const std::string& what) {
  for (std::size_t i = 0; i < seen.size(); i++) {
    EXPECT_LE(largest_difference(seen[i], expected[i]), kFloat32Error) << what << ", " << i;
  }
}

TEST_P(FloatRow, Float32IsFloat64Rounded) {
  const OpRow& row = GetParam();
  const Tensors x = cast_floats(inputs_of(row), float32);
  const Tensors wide = cast_floats(x, float64);
  Tensors strided = x;
  for (Tensor& input : strided) input = spread_out(input);
  expect_float32_like_float64({row.f(x), row.f(strided)}, {row.f(wide), row.f(wide)}, row.name);
}

TEST_P(DifferentiableRow, Float32GradientIsThatOfFloat64Rounded) {
  const OpRow& row = GetParam();
  const Tensors x = cast_floats(inputs_of(row), float32);
  const Tensors wide = cast_floats(x, float64);
  const Tensor dy = weights(row.f(x).spec());
  const Tensors seen = gradients_of(row, x, dy);
  const Tensors expected = gradients_of(row, wide, cast(dy, row.f(wide).dtype()));
  for (const Tensor& dx : seen) EXPECT_EQ(dx.dtype(), float32) << row.name;
  expect_float32_like_float64(seen, expected, row.name);
}

TEST_P(SmoothRow, GradientAgreesWithDifferences) {
  const OpRow& row = GetParam();
  EXPECT_TRUE(gradcheck(row.f, inputs_of(row)));
}

TEST_P(SmoothRow, GradientOfEachArgumentAlone) {
  const OpRow& row = GetParam();
  for (std::size_t i = 0; i < row.in.size() && row.in.size() > 1; i++) {
    if (!is_float(row.in[i].dtype)) continue;
    std::vector<int> constants;
    for (int other = 0; other < static_cast<int>(row.in.size()); other++) {
      if (other != static_cast<int>(i)) constants.push_back(other);
    }
    EXPECT_TRUE(gradcheck(row.f, inputs_of(row), {.constants = constants}));
  }
}

TEST_P(SmoothRow, SecondDerivativeAgreesWithDifferences) {
  const OpRow& row = GetParam();
  EXPECT_TRUE(gradgradcheck(row.f, inputs_of(row)));
}

// An operation that merely lacked a rule would be recorded.
TEST_P(StoppingRow, PassesNoGradientOnByRule) {
  const OpRow& row = GetParam();
  Tape tape;
  Tensors x = inputs_of(row);
  for (Tensor& input : x) {
    if (is_float(input.dtype())) tape.watch(input);
  }
  row.f(x);
  EXPECT_EQ(tape.size(), 0u) << row.name;
}

TEST_P(DifferentiableRow, GradientsOfStridedInputs) {
  const OpRow& row = GetParam();
  Tensors x = inputs_of(row);
  const Tensor dy = weights(row.f(x).spec());
  const Tensors expected = gradients_of(row, x, dy);
  for (Tensor& input : x) input = spread_out(input);
  const Tensors seen = gradients_of(row, x, dy);
  for (std::size_t i = 0; i < seen.size(); i++) expect_same(seen[i], expected[i], row.name);
}

TEST_P(DifferentiableRow, Bug07_StridedUpstreamGradientsGiveTheSameBits) {
  const OpRow& row = GetParam();
  const Tensors x = inputs_of(row);
  const Tensor y = row.f(x);
  const Tensor one = full({}, 0.75, float64);
  for (const auto& [dense, other] :
       {std::pair{weights(y.spec()), spread_out(weights(y.spec()))},
        std::pair{contiguous(expand(one, y.shape())), expand(one, y.shape())}}) {
    const Tensors expected = gradients_of(row, x, contiguous(dense));
    const Tensors seen = gradients_of(row, x, other);
    for (std::size_t i = 0; i < seen.size(); i++) expect_same_bits(seen[i], expected[i], row.name);
  }
}

TEST_P(DifferentiableRow, RecordedAndUnrecordedRewindsAgree) {
  const OpRow& row = GetParam();
  const Tensors x = inputs_of(row);
  const Tensor dy = weights(row.f(x).spec());
  const Tensors seen = gradients_of(row, x, dy), expected = gradients_of(row, x, dy, true);
  for (std::size_t i = 0; i < seen.size(); i++) expect_same(seen[i], expected[i], row.name);
}

TEST_P(DifferentiableRow, Bug30_NothingHasAZeroGradientOfItsShape) {
  const OpRow& row = GetParam();
  const Tensors x = inputs_of(row, empty_shapes(row));
  const Tensor dy = weights(row.f(x).spec());
  std::size_t k = 0;
  const Tensors dx = gradients_of(row, x, dy);
  for (const Tensor& input : x) {
    if (!is_float(input.dtype())) continue;
    ASSERT_TRUE(dx[k].spec() == input.spec()) << row.name;
    // With no elements in the result, no gradient can arrive.
    if (dy.size() == 0) {
      for (double v : reference::array(dx[k]).values) ASSERT_EQ(v, 0) << row.name;
    }
    k++;
  }
  EXPECT_TRUE(gradgradcheck(row.f, x)) << row.name;
}

INSTANTIATE_TEST_SUITE_P(Rows, DefinedRow, rows_that([](auto& row) { return !is_random(row); }),
                         name_of_row);
INSTANTIATE_TEST_SUITE_P(Rows, DifferentiableRow, rows_that(is_differentiable), name_of_row);
INSTANTIATE_TEST_SUITE_P(Rows, FloatRow,
                         rows_that([](auto& row) { return takes_floats(row) && !is_random(row); }),
                         name_of_row);

INSTANTIATE_TEST_SUITE_P(Rows, SmoothRow, rows_that([](auto& row) {
                           return is_differentiable(row) && !is_random(row);
                         }),
                         name_of_row);
INSTANTIATE_TEST_SUITE_P(Rows, StoppingRow, rows_that([](auto& row) {
                           return takes_floats(row) && !is_differentiable(row);
                         }),
                         name_of_row);

}  // namespace
}  // namespace rw::test
