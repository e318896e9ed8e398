// Reductions: values over every choice of axes in every layout, edges, the bits of sums.
#include "rewind/tensor/reduction.h"

#include <limits>
#include <numeric>

#include "rewind/tensor/extrema.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/sum_to.h"
#include "support/message_of.h"
#include "support/reference.h"

namespace rw {
namespace {

using namespace reference;
using List = std::vector<double>;

constexpr double kInf = std::numeric_limits<double>::infinity();

double naive_sum(const List& x) { return std::accumulate(x.begin(), x.end(), 0.0); }
double naive_mean(const List& x) { return naive_sum(x) / static_cast<double>(x.size()); }
double naive_prod(const List& x) {
  return std::accumulate(x.begin(), x.end(), 1.0, std::multiplies<>());
}
double naive_max(const List& x) { return *std::max_element(x.begin(), x.end()); }
double naive_min(const List& x) { return *std::min_element(x.begin(), x.end()); }
double naive_argmax(const List& x) {
  return static_cast<double>(std::max_element(x.begin(), x.end()) - x.begin());
}
double naive_argmin(const List& x) {
  return static_cast<double>(std::min_element(x.begin(), x.end()) - x.begin());
}
double naive_var(const List& x, double correction) {
  double squares = 0;
  for (double v : x) squares += (v - naive_mean(x)) * (v - naive_mean(x));
  return squares / std::max(static_cast<double>(x.size()) - correction, 0.0);
}
double naive_logsumexp(const List& x) {
  double total = 0;
  for (double v : x) total += std::exp(v);
  return std::log(total);
}

struct Row {
  const char* name;
  Tensor (*function)(const Tensor&, Axes, bool);
  double (*naive)(const List&);
  std::vector<Dtype> dtypes;
  bool needs_elements = false;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> table{
      {"sum", sum, naive_sum, {float32, float64, int64, boolean}},
      {"mean", mean, naive_mean, {float32, float64}},
      {"prod", prod, naive_prod, {float64}},
      {"max", max, naive_max, {float32, float64, int64}, true},
      {"min", min, naive_min, {float32, float64, int64}, true},
      {"argmax", argmax, naive_argmax, {float32, float64, int64}, true},
      {"argmin", argmin, naive_argmin, {float32, float64, int64}, true},
      {"logsumexp", logsumexp, naive_logsumexp, {float32, float64}},
      {"any", any, [](const List& x) { return naive_sum(x) > 0 ? 1.0 : 0.0; }, {boolean}},
      {"all",
       all,
       [](const List& x) { return x.empty() || naive_min(x) > 0 ? 1.0 : 0.0; },
       {boolean}},
      {"var",
       [](const Tensor& x, Axes axes, bool keepdims) {
         return var(x, axes, {.correction = 0, .keepdims = keepdims});
       },
       [](const List& x) { return naive_var(x, 0); },
       {float32, float64}},
      {"var 1",
       [](const Tensor& x, Axes axes, bool keepdims) {
         return var(x, axes, {.keepdims = keepdims});
       },
       [](const List& x) { return naive_var(x, 1); },
       {float32, float64}},
  };
  return table;
}

// Every list of axes of a rank, the first written as a negative number.
std::vector<std::pair<Axes, std::vector<int>>> choices(int rank) {
  std::vector<int> every(static_cast<std::size_t>(rank));
  std::iota(every.begin(), every.end(), 0);
  std::vector<std::pair<Axes, std::vector<int>>> all{{{}, every}};
  for (int i = 0; i < rank; i++) {
    all.push_back({i, {i}});
    for (int j = i + 1; j < rank; j++) all.push_back({{j, i - rank}, {i, j}});
  }
  if (rank > 3) all.push_back({{0, 2, 3}, {0, 2, 3}});
  return all;
}

// Sums of numbers of both signs lose digits to cancellation, in the twin as well.
void expect_near(const Tensor& y, const Array& expected, const Row& row) {
  const bool exact = !is_float(y.dtype()) || row.needs_elements;
  const Array shifted = exact ? expected : [&] {
    Array result = expected;
    for (double& v : result.values) v += 100;
    return result;
  }();
  expect_close(exact ? y : y + 100, shifted, exact ? 0 : 3 * precision(y.dtype()), row.name);
}

TEST(Reduction, EqualsItsNaiveTwinOverAnyAxesInEveryLayout) {
  for (const Row& row : rows()) {
    for (Dtype dtype : row.dtypes) {
      for (const Dims& shape : shapes()) {
        if (row.needs_elements && shape.count() == 0) continue;
        if (std::string(row.name) == "prod" && shape.count() > 30) continue;
        for (const Tensor& x : layouts({shape, dtype})) {
          for (const auto& [axes, list] : choices(shape.rank())) {
            for (bool keepdims : {false, true}) {
              expect_near(row.function(x, axes, keepdims), reduce(row.naive, x, list, keepdims),
                          row);
            }
          }
        }
      }
    }
  }
}

TEST(Reduction, ADtypeStaysExceptWhereItCounts) {
  EXPECT_EQ(sum(sample({{3}, float32})).dtype(), float32);
  EXPECT_EQ(sum(sample({{3}, int64})).dtype(), int64);
  EXPECT_EQ(sum(sample({{3}, boolean})).dtype(), int64);
  EXPECT_EQ(argmax(sample({{3}, float64})).dtype(), int64);
  EXPECT_EQ(any(sample({{3}, boolean})).dtype(), boolean);
}

TEST(Reduction, OfNothingIsTheNeutralElement) {
  const Tensor nothing = doubles({0, 2}, {});
  expect_close(sum(nothing, 0), {{2}, {0, 0}}, 0);
  expect_close(prod(nothing, 0), {{2}, {1, 1}}, 0);
  expect_close(mean(nothing, 0), {{2}, {NAN, NAN}}, 0);
  expect_close(var(nothing, 0), {{2}, {NAN, NAN}}, 0);
  expect_close(logsumexp(nothing, 0), {{2}, {-kInf, -kInf}}, 0);
  expect_close(max(nothing, 1), {{0}, {}}, 0);
  EXPECT_EQ(message_of<ValueError>([&] { max(nothing, 0); }),
            "max: nothing to choose from in float64 [0, 2] over the axes that go");
  EXPECT_EQ(message_of<ValueError>([&] { argmin(nothing); }),
            "argmin: nothing to choose from in float64 [0, 2] over the axes that go");
}

TEST(Reduction, NamesAxesThatDoNotExistOrComeTwice) {
  const Tensor x = sample({{2, 3}, float32});
  EXPECT_EQ(message_of<IndexError>([&] { sum(x, 2); }),
            "sum: axis 2 is outside a tensor of rank 2");
  EXPECT_EQ(message_of<IndexError>([&] {
              mean(x, {0, -3});
            }),
            "mean: axis -3 is outside a tensor of rank 2");
  EXPECT_EQ(message_of<ValueError>([&] { sum(x, {1, -1}); }), "sum: axis 1 is named twice");
  EXPECT_EQ(message_of<ValueError>([&] {
              sum(x, {0, 0, 0, 0, 0, 0, 0, 0, 0});
            }),
            "axes: 9 of them, and a tensor has at most 8");
}

TEST(Reduction, NamesDtypesThatItDoesNotTake) {
  EXPECT_EQ(message_of<DtypeError>([] {
              mean(sample({{2}, int64}));
            }),
            "mean: takes float32 or float64, got int64 [2]; convert with to(x, float32)");
  EXPECT_EQ(message_of<DtypeError>([] {
              max(sample({{2}, boolean}));
            }),
            "max: takes numbers, got bool [2]; convert with to(x, int64)");
  EXPECT_EQ(message_of<DtypeError>([] {
              any(sample({{2}, float32}));
            }),
            "any: takes bool, got float32 [2]; compare first, as in not_equal(x, 0)");
  EXPECT_EQ(message_of<ValueError>([] {
              var(sample({{2}, float32}), {}, {.correction = -1});
            }),
            "var: correction = -1; it is 0 or more");
}

TEST(Reduction, NanWins) {
  const Tensor x = doubles({2, 3}, {1, NAN, 3, 4, 5, 6});
  expect_close(max(x, 1), {{2}, {NAN, 6}}, 0);
  expect_close(min(x, 1), {{2}, {NAN, 4}}, 0);
  expect_close(argmax(x, 1), {{2}, {1, 2}}, 0);
  expect_close(argmin(x, 1), {{2}, {1, 0}}, 0);
  expect_close(max(x, 0), {{3}, {4, NAN, 6}}, 0);
  expect_close(maximum(x, 4), {{2, 3}, {4, NAN, 4, 4, 5, 6}}, 0);
  expect_close(minimum(doubles({1}, {4}), x), {{2, 3}, {1, NAN, 3, 4, 4, 4}}, 0);
}

TEST(Reduction, TheFirstOfEqualsIsFound) {
  List values(50, 1.0);
  for (std::size_t i : {13u, 17u, 40u}) values[i] = 2;
  EXPECT_EQ(argmax(doubles({50}, values)).item(), 13);
  EXPECT_EQ(argmin(doubles({50}, values)).item(), 0);
  EXPECT_EQ(argmax(doubles({5, 10}, values)).item(), 13);
}

// Over two axes, taken along rows in one layout and across columns in another.
TEST(Reduction, TheBitsOfASumDoNotDependOnTheLayout) {
  const Tensor x = sample({{37, 300}, float64});
  Tensor transposed = Tensor::uninitialized({{300, 37}, float64});
  copy_elements(x.view({300, 37}, {1, 300}, 0), transposed);
  const Tensor same = transposed.view({37, 300}, {1, 37}, 0);
  for (Axes axes : {Axes(), Axes(0), Axes(1)}) {
    expect_close(sum(same, axes), array(sum(x, axes)), 0);
    expect_close(var(same, axes), array(var(x, axes)), 0);
  }
}

TEST(Reduction, ARowOfASumDoesNotDependOnTheOtherRows) {
  const Tensor x = sample({{300, 5}, float64});
  const Array whole = array(sum(x, 0));
  for (Index c = 0; c < 5; c++) {
    EXPECT_EQ(sum(x.view({300}, {5}, c)).item(), whole.values[static_cast<std::size_t>(c)]);
  }
}

TEST(Reduction, HasTheSameBitsForAnyNumberOfThreads) {
  const Tensor x = sample({{3, 700, 150}, float32});
  const Tensor turned = x.view({150, 700, 3}, {1, 150, 700 * 150}, 0);
  std::vector<Array> first;
  for (int threads : {1, 2, 3, 5, 8}) {
    const Threads scope(threads);
    const std::vector<Tensor> now{sum(x, 2),    sum(x, {0, 1}), sum(x, 1),  var(x, {0, 2}),
                                  argmax(x, 1), max(turned, 2), prod(x, 0), sum(turned, {0, 2})};
    for (std::size_t i = 0; i < now.size(); i++) {
      if (threads == 1) first.push_back(array(now[i]));
      expect_close(now[i], first[i], 0);
    }
  }
}

TEST(Reduction, FloatsAreAccumulatedInDouble) {
  List million(1000000, 0.1);
  std::vector<float> floats(million.begin(), million.end());
  EXPECT_EQ(sum(tensor<float>({1000000}, floats)).item(),
            static_cast<float>(1000000 * double{0.1f}));
  EXPECT_EQ(var(tensor<float>({4}, {10000, 10001, 10002, 10003}), {}, {.correction = 0}).item(),
            1.25);
}

TEST(Reduction, IntegersKeepEveryDigitAndWrap) {
  const Index big = Index{1} << 60;
  EXPECT_EQ(sum(tensor<Index>({3}, {big, 1, big})).span<Index>()[0], 2 * big + 1);
  EXPECT_EQ(prod(tensor<Index>({3}, {big, 8, 2})).span<Index>()[0], 0);
}

TEST(SumTo, UndoesBroadcasting) {
  const Dims small[] = {{}, {1}, {3}, {4, 1}, {1, 3}, {2, 1, 1}, {2, 4, 3}, {1, 1, 1}};
  for (const Tensor& x : layouts({{2, 4, 3}, float64})) {
    for (const Dims& shape : small) {
      std::vector<int> axes;
      for (int i = 0; i < 3; i++) {
        const int own = i - (3 - shape.rank());
        if (own < 0 || shape[own] == 1) axes.push_back(i);
      }
      const Array expected{shape, reduce(naive_sum, x, axes, true).values};
      expect_close(sum_to(x, shape) + 100,
                   map([](double v) { return v + 100; }, doubles(shape, expected.values)), 1e-15);
    }
  }
  expect_close(sum_to(doubles({0, 2}, {}), {1, 2}), {{1, 2}, {0, 0}}, 0);
}

TEST(SumTo, NamesWhatDoesNotBroadcast) {
  const Tensor x = sample({{4, 3}, float32});
  EXPECT_EQ(message_of<ShapeError>([&] {
              sum_to(x, {4, 3, 1});
            }),
            "sum_to: [4, 3, 1] does not broadcast to float32 [4, 3]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              sum_to(sample({{1, 3}, float32}), {4, 3});
            }),
            "sum_to: [4, 3] does not broadcast to float32 [1, 3]");
}

}  // namespace
}  // namespace rw
