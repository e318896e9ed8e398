// Packed products on every instruction set that runs here, beside a plain sum.
#include "rewind/tensor/kernels/packed_product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "tensor/targets.h"

namespace rw::kernels {
namespace {

template <class T>
std::vector<T> random_numbers(Index count) {
  std::mt19937 generator(static_cast<unsigned>(count));
  std::uniform_real_distribution<T> uniform(-1, 1);
  std::vector<T> numbers(static_cast<std::size_t>(count));
  for (T& number : numbers) number = uniform(generator);
  return numbers;
}

template <class T>
std::vector<T> packed(const std::vector<T>& w, Index k, Index n, bool transposed = false) {
  std::vector<T> result(static_cast<std::size_t>(packed_size<T>(k, n)), T{7});
  pack(w.data(), transposed ? 1 : n, transposed ? k : 1, k, n, result.data());
  return result;
}

// Three numbers of nobody stand at the end of each row of a and c.
constexpr Index kGap = 3;

template <class T>
struct Case {
  Index rows, k, n;
  std::vector<T> a = random_numbers<T>(rows * (k + kGap));
  std::vector<T> w = random_numbers<T>(k * n);
  std::vector<T> c = random_numbers<T>(rows * (n + kGap));

  PackedProduct<T> product(const std::vector<T>& packed) {
    return {.rows = rows,
            .n = n,
            .k = k,
            .a = a.data(),
            .a_stride = k + kGap,
            .packed = packed.data(),
            .c = c.data(),
            .c_stride = n + kGap};
  }
  T a_at(Index i, Index j) const { return a[static_cast<std::size_t>(i * (k + kGap) + j)]; }
  T& c_at(Index i, Index j) { return c[static_cast<std::size_t>(i * (n + kGap) + j)]; }

  T sum(T from, Index i, Index j) const {
    for (Index l = 0; l < k; l++) {
      from = std::fma(a_at(i, l), w[static_cast<std::size_t>(l * n + j)], from);
    }
    return from;
  }
};

template <class T>
class Product : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(Product, Floats);

template <class T, class F>
void for_each_case(F f) {
  const Targets targets;
  for (const std::int64_t target : targets.all()) {
    Targets::choose(target);
    SCOPED_TRACE(hwy::TargetName(target));
    for (const Index k : {0, 1, 64, 1030}) {
      for (const Index n : {1, 8, 31, 48, 64, 96, 130}) {  // three panels among them
        for (Index rows = 0; rows < 20; rows++) f(Case<T>{rows, k, n});
      }
    }
  }
}

TYPED_TEST(Product, IsTheSumInAscendingOrderAndTouchesNothingElse) {
  using T = TypeParam;
  for_each_case<T>([](Case<T> x) {
    for (const bool add : {false, true}) {
      const Case<T> before = x;
      const std::vector<T> weights = packed(x.w, x.k, x.n);
      PackedProduct<T> product = x.product(weights);
      product.add = add;
      multiply(product);
      const double bound = static_cast<double>(std::numeric_limits<T>::epsilon() * T(x.k + 1));
      for (Index i = 0; i < x.rows; i++) {
        for (Index j = 0; j < x.n + kGap; j++) {
          const T old = before.c[static_cast<std::size_t>(i * (x.n + kGap) + j)];
          if (j >= x.n) {
            ASSERT_EQ(x.c_at(i, j), old);
          } else {
            ASSERT_NEAR(x.c_at(i, j), x.sum(add ? old : T{0}, i, j), bound);
          }
        }
      }
    }
  });
}

TYPED_TEST(Product, AddsARowToTheFinishedSums) {
  using T = TypeParam;
  for_each_case<T>([](Case<T> x) {
    const std::vector<T> weights = packed(x.w, x.k, x.n), row = random_numbers<T>(x.n);
    for (const bool add : {false, true}) {
      Case<T> together = x, afterwards = x;
      PackedProduct<T> product = together.product(weights);
      product.add = add;
      product.row = row.data();
      multiply(product);
      product = afterwards.product(weights);
      product.add = add;
      multiply(product);
      for (Index i = 0; i < x.rows; i++) {
        for (Index j = 0; j < x.n; j++) {
          afterwards.c_at(i, j) += row[static_cast<std::size_t>(j)];
        }
      }
      ASSERT_EQ(together.c, afterwards.c);
    }
  });
}

// One that is asked for before it is wanted: the last panels are not full, and k is no multiple of
// anything.
TYPED_TEST(Product, OfALargeMatrixIsThatOfItsParts) {
  using T = TypeParam;
  const Targets targets;
  for (const std::int64_t target : targets.all()) {
    Targets::choose(target);
    SCOPED_TRACE(hwy::TargetName(target));
    for (const Index rows : {1, 2, 13}) {
      Case<T> x{rows, 1037, 1030};
      const std::vector<T> weights = packed(x.w, x.k, x.n);
      multiply(x.product(weights));
      for (Index j = 0; j < x.n; j += 37) {
        for (Index i = 0; i < rows; i++) {
          ASSERT_NEAR(x.c_at(i, j), x.sum(T{0}, i, j),
                      std::numeric_limits<T>::epsilon() * static_cast<T>(x.k + 1));
        }
      }
    }
  }
}

TYPED_TEST(Product, GivesARowTheSameBitsAloneAndAmongOthers) {
  using T = TypeParam;
  for_each_case<T>([](Case<T> x) {
    const std::vector<T> weights = packed(x.w, x.k, x.n);
    Case<T> alone = x;
    multiply(x.product(weights));
    for (Index i = 0; i < x.rows; i++) {
      PackedProduct<T> row = alone.product(weights);
      row.rows = 1;
      row.a += i * row.a_stride;
      row.c += i * row.c_stride;
      multiply(row);
    }
    ASSERT_EQ(alone.c, x.c);
  });
}

TYPED_TEST(Product, GivesRangesOfPanelsTheSameBitsAsAllAtOnce) {
  using T = TypeParam;
  for_each_case<T>([](Case<T> x) {
    const std::vector<T> weights = packed(x.w, x.k, x.n);
    Case<T> parts = x;
    multiply(x.product(weights));
    for (Index panel = 0; panel < panel_count<T>(x.n); panel++) {
      PackedProduct<T> part = parts.product(weights);
      part.first_panel = panel;
      part.end_panel = panel + 1;
      multiply(part);
    }
    ASSERT_EQ(parts.c, x.c);
  });
}

TYPED_TEST(Product, PacksAnyStrides) {
  using T = TypeParam;
  for_each_case<T>([](Case<T> x) {
    if (x.rows != 1) return;
    std::vector<T> transposed(x.w.size());
    for (Index i = 0; i < x.k; i++) {
      for (Index j = 0; j < x.n; j++) {
        transposed[static_cast<std::size_t>(j * x.k + i)] =
            x.w[static_cast<std::size_t>(i * x.n + j)];
      }
    }
    ASSERT_EQ(packed(transposed, x.k, x.n, true), packed(x.w, x.k, x.n));
  });
}

}  // namespace
}  // namespace rw::kernels
