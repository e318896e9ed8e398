// Softmax, log_softmax and cumsum along any axis; logsumexp at infinities.
#include "rewind/tensor/softmax.h"

#include <limits>

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/cumsum.h"
#include "support/message_of.h"
#include "support/reference.h"

namespace rw {
namespace {

using namespace reference;

constexpr double kInf = std::numeric_limits<double>::infinity();

// f(row) for each row along an axis, where a row is replaced by what f makes of it.
template <class F>
Array along(F f, const Tensor& x, int axis) {
  Array result = array(x);
  const auto n = static_cast<std::size_t>(x.shape()[axis]);
  const auto step =
      static_cast<std::size_t>(contiguous_strides(x.shape())[static_cast<std::size_t>(axis)]);
  for (std::size_t first = 0; first < result.values.size(); first++) {
    if (first / step % n != 0) continue;
    std::vector<double> row(n);
    for (std::size_t i = 0; i < n; i++) row[i] = result.values[first + i * step];
    row = f(row);
    for (std::size_t i = 0; i < n; i++) result.values[first + i * step] = row[i];
  }
  return result;
}

std::vector<double> naive_softmax(std::vector<double> row) {
  double total = 0;
  for (double v : row) total += std::exp(v);
  for (double& v : row) v = std::exp(v) / total;
  return row;
}

std::vector<double> naive_log_softmax(std::vector<double> row) {
  row = naive_softmax(row);
  for (double& v : row) v = std::log(v);
  return row;
}

TEST(Softmax, EqualsItsNaiveTwinAlongAnyAxisInEveryLayout) {
  for (Dtype dtype : {float32, float64}) {
    for (const Dims& shape : shapes()) {
      for (const Tensor& x : layouts({shape, dtype})) {
        for (int axis = 0; axis < shape.rank(); axis++) {
          const double tolerance = 6 * precision(dtype);
          expect_close(softmax(x, axis), along(naive_softmax, x, axis), tolerance, "softmax");
          // Against sums near 0 the error is absolute.
          const Array logs = along(naive_log_softmax, x, axis);
          expect_close(
              log_softmax(x, axis) - 100,
              {shape, map([](double v) { return v - 100; }, doubles(shape, logs.values)).values},
              tolerance, "log_softmax");
        }
      }
    }
  }
}

TEST(Softmax, StandsInTheStorageOfATemporary) {
  const Tensor x = sample({{4, 5}, float32});
  const std::size_t before = memory::blocks_in_use();
  const Tensor y = softmax(x * 2, -1);
  EXPECT_EQ(memory::blocks_in_use(), before + 1);
  expect_close(x, array(sample({{4, 5}, float32})), 0);
}

TEST(Softmax, LargeLogitsDoNotOverflow) {
  const Tensor x = doubles({2, 3}, {1000, 0, -1000, -1000, -1000, -kInf});
  expect_close(softmax(x, 1), {{2, 3}, {1, 0, 0, 0.5, 0.5, 0}}, 0);
  expect_close(log_softmax(x, 1), {{2, 3}, {0, -1000, -2000, std::log(0.5), std::log(0.5), -kInf}},
               1e-16);
  expect_close(logsumexp(x, 1), {{2}, {1000, -1000 + std::log(2)}}, 1e-16);
}

TEST(Softmax, WithoutALimitTheWholeRowIsNan) {
  const Tensor x = doubles({4, 2}, {-kInf, -kInf, kInf, 0, NAN, 0, 0, 0});
  const std::vector<double> expected{NAN, NAN, NAN, NAN, NAN, NAN, 0.5, 0.5};
  expect_close(softmax(x, 1), {{4, 2}, expected}, 0);
  expect_close(logsumexp(x, 1), {{4}, {-kInf, kInf, NAN, std::log(2)}}, 1e-16);
}

TEST(Softmax, NamesWhatDoesNotFit) {
  EXPECT_EQ(message_of<DtypeError>([] {
              softmax(sample({{2}, int64}), 0);
            }),
            "softmax: takes float32 or float64, got int64 [2]; convert with to(x, float32)");
  EXPECT_EQ(message_of<IndexError>([] {
              log_softmax(sample({{2}, float32}), 1);
            }),
            "log_softmax: axis 1 is outside a tensor of rank 1");
}

TEST(CumSum, EqualsItsNaiveTwinAlongAnyAxisInEveryLayout) {
  const auto forward = [](std::vector<double> row) {
    for (std::size_t i = 1; i < row.size(); i++) row[i] += row[i - 1];
    return row;
  };
  const auto backward = [](std::vector<double> row) {
    for (std::size_t i = row.size(); i-- > 1;) row[i - 1] += row[i];
    return row;
  };
  for (Dtype dtype : {float32, float64, int64}) {
    for (const Dims& shape : shapes()) {
      for (const Tensor& x : layouts({shape, dtype})) {
        for (int axis = 0; axis < shape.rank(); axis++) {
          expect_close(cumsum(x, axis), along(forward, x, axis), precision(dtype));
          expect_close(cumsum(x, axis - shape.rank(), {.reverse = true}), along(backward, x, axis),
                       precision(dtype));
        }
      }
    }
  }
}

TEST(CumSum, NamesWhatDoesNotFit) {
  EXPECT_EQ(message_of<DtypeError>([] {
              cumsum(sample({{2}, boolean}), 0);
            }),
            "cumsum: takes numbers, got bool [2]; convert with to(x, int64)");
  EXPECT_EQ(message_of<IndexError>([] {
              cumsum(sample({{}, float32}), 0);
            }),
            "cumsum: axis 0 is outside a tensor of rank 0");
}

}  // namespace
}  // namespace rw
