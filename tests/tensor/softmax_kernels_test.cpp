// Softmax and cross-entropy on every instruction set that runs here, beside the same in plain
// numbers.
#include <cmath>
#include <limits>
#include <vector>

#include "rewind/tensor/kernels/cross_entropy.h"
#include "rewind/tensor/kernels/softmax.h"
#include "tensor/every_target.h"

namespace rw::kernels {
namespace {

template <class T>
class SoftmaxKernels : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(SoftmaxKernels, Floats);

template <class T>
constexpr T kError = 4 * std::numeric_limits<T>::epsilon();

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

template <class T>
std::vector<T> wave(Index count, double step) {
  std::vector<T> all(at(count));
  for (std::size_t i = 0; i < all.size(); i++) {
    all[i] = static_cast<T>(5 * std::sin(step * static_cast<double>(i)));
  }
  return all;
}

// log(sum(exp(x))) of column c.
template <class T>
double plain_log_sum(const std::vector<T>& x, Table t, Index c) {
  double sum = 0;
  for (Index i = 0; i < t.n; i++) sum += std::exp(static_cast<double>(x[at(i * t.width + c)]));
  return std::log(sum);
}

const std::vector<Table> kTables = {{1, 1}, {7, 1}, {8, 1},  {33, 1}, {1000, 1},
                                    {1, 3}, {5, 8}, {3, 20}, {40, 17}};

TYPED_TEST(SoftmaxKernels, AreTheirDefinitionsInRowsAndColumns) {
  using T = TypeParam;
  for_every_target([] {
    for (const Table t : kTables) {
      const std::vector<T> x = wave<T>(t.n * t.width, 0.7);
      std::vector<T> y(x.size()), log_y(x.size());
      softmax(x.data(), y.data(), t);
      log_softmax(x.data(), log_y.data(), t);
      for (Index c = 0; c < t.width; c++) {
        const double log_sum = plain_log_sum(x, t, c);
        for (Index i = 0; i < t.n; i++) {
          const auto k = at(i * t.width + c);
          const double expected = static_cast<double>(x[k]) - log_sum;
          ASSERT_NEAR(log_y[k], expected, kError<T> * (1 + std::abs(expected)));
          ASSERT_NEAR(y[k], std::exp(expected), kError<T>);
        }
        if (t.width == 1) {
          ASSERT_NEAR(log_sum_exp(x.data(), t.n), log_sum, kError<T> * 10);
        }
      }
    }
  });
}

TYPED_TEST(SoftmaxKernels, BackwardIsTheDerivative) {
  using T = TypeParam;
  for_every_target([] {
    for (const Table t : kTables) {
      const std::vector<T> x = wave<T>(t.n * t.width, 0.7), dy = wave<T>(t.n * t.width, 1.3);
      std::vector<T> y(x.size()), log_y(x.size()), dx(x.size()), log_dx = dy;
      softmax(x.data(), y.data(), t);
      log_softmax(x.data(), log_y.data(), t);
      softmax_backward(dy.data(), y.data(), dx.data(), t);
      log_softmax_backward(log_dx.data(), log_y.data(), log_dx.data(), t);
      for (Index c = 0; c < t.width; c++) {
        double mean = 0, total = 0;
        for (Index i = 0; i < t.n; i++) {
          const auto k = at(i * t.width + c);
          mean += static_cast<double>(dy[k]) * static_cast<double>(y[k]);
          total += static_cast<double>(dy[k]);
        }
        for (Index i = 0; i < t.n; i++) {
          const auto k = at(i * t.width + c);
          const double p = static_cast<double>(y[k]), d = static_cast<double>(dy[k]);
          ASSERT_NEAR(dx[k], p * (d - mean), kError<T> * 10);
          ASSERT_NEAR(log_dx[k], d - p * total, kError<T> * (10 + std::abs(total)));
        }
      }
    }
  });
}

TYPED_TEST(SoftmaxKernels, AColumnHasTheSameBitsAloneAndAmongOthers) {
  using T = TypeParam;
  for_every_target([] {
    constexpr Table kAll{19, 21};
    const std::vector<T> x = wave<T>(kAll.n * kAll.width, 0.9);
    std::vector<T> y(x.size());
    log_softmax(x.data(), y.data(), kAll);
    for (const Index width : {2, 5}) {
      for (Index first = 0; first + width <= kAll.width; first++) {
        std::vector<T> some;
        for (Index i = 0; i < kAll.n; i++) {
          for (Index c = 0; c < width; c++) some.push_back(x[at(i * kAll.width + first + c)]);
        }
        log_softmax(some.data(), some.data(), {kAll.n, width});
        for (Index i = 0; i < kAll.n; i++) {
          for (Index c = 0; c < width; c++) {
            ASSERT_EQ(some[at(i * width + c)], y[at(i * kAll.width + first + c)]);
          }
        }
      }
    }
  });
}

TYPED_TEST(SoftmaxKernels, InfinitiesAndNanStayInTheirColumn) {
  using T = TypeParam;
  for_every_target([] {
    const T kInfinity = std::numeric_limits<T>::infinity();
    const T kNan = std::numeric_limits<T>::quiet_NaN();
    constexpr Table kTable{2, 5};
    const std::vector<T> x = {-kInfinity, kInfinity, kNan, 0, 1000,  //
                              -kInfinity, 0,         0,    0, -kInfinity};
    std::vector<T> y(x.size()), dx(x.size()), dy(x.size(), 1);
    softmax(x.data(), y.data(), kTable);
    for (const Index c : {0, 1, 2}) {
      EXPECT_TRUE(std::isnan(y[at(c)]) && std::isnan(y[at(c + 5)])) << c;
    }
    EXPECT_EQ(y[3], T{0.5});
    EXPECT_EQ(y[4], 1);
    EXPECT_EQ(y[9], 0);
    softmax_backward(dy.data(), y.data(), dx.data(), kTable);
    log_softmax(x.data(), y.data(), kTable);
    for (const Index c : {0, 1, 2}) EXPECT_EQ(dx[at(c)], 0) << c;
    log_softmax_backward(dy.data(), y.data(), dx.data(), kTable);
    for (const Index c : {0, 1, 2}) EXPECT_EQ(dx[at(c)], 1) << c;
    EXPECT_EQ(dx[3], 0);

    const std::vector<T> below(20, -kInfinity), above(20, kInfinity), unknown(20, kNan);
    EXPECT_EQ(log_sum_exp(below.data(), 20), -std::numeric_limits<double>::infinity());
    EXPECT_EQ(log_sum_exp(above.data(), 20), std::numeric_limits<double>::infinity());
    EXPECT_TRUE(std::isnan(log_sum_exp(unknown.data(), 20)));
    EXPECT_EQ(log_sum_exp(below.data(), 0), -std::numeric_limits<double>::infinity());
  });
}

TYPED_TEST(SoftmaxKernels, CrossEntropyIsItsDefinition) {
  using T = TypeParam;
  for_every_target([] {
    for (const Index n : {1, 2, 8, 31, 1000}) {
      for (const double smoothing : {0.0, 0.25, 1.0}) {
        const std::vector<T> x = wave<T>(n, 0.7);
        const ClassTarget of{n, n / 2, smoothing};
        const auto row = cross_entropy(x.data(), of);
        std::vector<T> dx(x.size());
        cross_entropy_backward(x.data(), of, row, T{3}, dx.data());
        const double log_sum = plain_log_sum(x, {n, 1}, 0);
        double loss = 0;
        for (Index c = 0; c < n; c++) {
          const double q = smoothing / static_cast<double>(n) + (c == n / 2) * (1 - smoothing);
          const double log_p = static_cast<double>(x[at(c)]) - log_sum;
          loss -= q * log_p;
          ASSERT_NEAR(dx[at(c)], 3 * (std::exp(log_p) - q), 3 * kError<T>);
        }
        ASSERT_NEAR(row.loss, loss, kError<T> * (1 + loss));
      }
    }
  });
}

// The logarithm alone would be rounded to steps of 6e-5.
TYPED_TEST(SoftmaxKernels, CrossEntropyOfLargeLogitsLosesNothing) {
  using T = TypeParam;
  for_every_target([] {
    const std::vector<T> x = {1000, 998};
    const auto row = cross_entropy(x.data(), {2, 0, 0});
    std::vector<T> dx(2);
    cross_entropy_backward(x.data(), {2, 0, 0}, row, T{1}, dx.data());
    EXPECT_NEAR(row.loss, std::log1p(std::exp(-2)), kError<T>);
    EXPECT_NEAR(dx[1], 1 / (1 + std::exp(2)), kError<T>);
  });
}

TYPED_TEST(SoftmaxKernels, CrossEntropyWithoutASoftmaxHasProbabilitiesOfZero) {
  using T = TypeParam;
  for_every_target([] {
    const std::vector<T> x = {1, std::numeric_limits<T>::infinity(), 2};
    const auto row = cross_entropy(x.data(), {3, 0, 0});
    EXPECT_TRUE(std::isnan(row.loss));
    std::vector<T> dx(3);
    cross_entropy_backward(x.data(), {3, 0, 0}, row, T{2}, dx.data());
    EXPECT_EQ(dx, (std::vector<T>{-2, 0, 0}));
  });
}

}  // namespace
}  // namespace rw::kernels
