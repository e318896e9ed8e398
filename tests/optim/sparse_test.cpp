// Gradients of a few rows: exact by default, lazy by name.
#include <gtest/gtest.h>

#include "optim/given.h"
#include "rewind/optim/adam.h"
#include "rewind/optim/rmsprop.h"
#include "rewind/optim/sgd.h"

namespace rw::optim {
namespace {

constexpr Index kRows = 300, kWidth = 3;  // more elements outside of the rows than one run of zeros

Parameter table(std::string name) {
  std::vector<double> x;
  for (Index i = 0; i < kRows * kWidth; i++) x.push_back(0.01 * static_cast<double>(i % 17));
  return Parameter(from_span(x, {kRows, kWidth}), std::move(name));
}

struct Rows {
  std::vector<Index> rows;
  std::vector<double> values;
};

// Repeated, out of order, at both ends.
const Rows kUsed{{299, 5, 0, 5, 5}, {1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2, -3, 0.5, 0.25, 0.125}};

template <class O, class Options>
void expect_as_dense(Options options) {
  const Parameter sparse = table("sparse"), dense = table("dense");
  O optimizer(list(sparse, dense), options);
  for (int step = 0; step < 3; step++) {
    Rows used = kUsed;
    used.rows[1] += step;
    Gradients gradients = given_rows(sparse, used.rows, used.values);
    const Tensor whole = gradients[sparse];
    ASSERT_TRUE(gradients.find(sparse)->is_sparse());
    give(gradients, dense, whole);
    optimizer.step(gradients);
  }
  EXPECT_EQ(values(sparse), values(dense));
}

TEST(Sparse, ExactEqualsDenseToTheBit) {
  expect_as_dense<SGD>(SGDOptions{});
  expect_as_dense<SGD>(SGDOptions{.weight_decay = 0.1});
  expect_as_dense<SGD>(SGDOptions{.momentum = 0.9, .nesterov = true, .weight_decay = 0.1});
  expect_as_dense<Adam>(AdamOptions{.weight_decay = 0.1});
  expect_as_dense<AdamW>(AdamWOptions{});
  expect_as_dense<RMSprop>(RMSpropOptions{.momentum = 0.9, .centered = true});
}

TEST(Sparse, IsLazyForAGroupByName) {
  const Parameter lazy = table("lazy"), exact = table("exact");
  Adam adam(list(lazy, exact));
  adam.group([](std::string_view name) { return name == "lazy"; }, {.sparse = Sparse::lazy});
  const auto step = [&](Index row) {
    Gradients gradients = given_rows(lazy, {row}, {1, 1, 1});
    gradients += given_rows(exact, {row}, {1, 1, 1});
    adam.step(gradients);
  };
  step(1);
  ASSERT_EQ(values(lazy), values(exact));
  const double after_one = values(lazy)[1 * kWidth];
  step(7);
  EXPECT_EQ(values(lazy)[1 * kWidth], after_one);
  EXPECT_LT(values(exact)[1 * kWidth], after_one);  // its moments go on
}

TEST(Sparse, LazyLeavesOtherRowsAlone) {
  const Parameter p = table("p");
  const std::vector<double> before = values(p);
  Adam adam(list(p), {.weight_decay = 0.1, .sparse = Sparse::lazy});
  adam.step(given_rows(p, {1, 7}, {1, 1, 1, 1, 1, 1}));
  const std::vector<double> first = values(p);
  adam.step(given_rows(p, {7}, {1, 1, 1}));
  const std::vector<double> second = values(p);
  for (std::size_t i = 0; i < before.size(); i++) {
    const auto row = static_cast<Index>(i) / kWidth;
    EXPECT_EQ(first[i] != before[i], row == 1 || row == 7) << i;
    EXPECT_EQ(second[i] != first[i], row == 7) << i;
  }
}

TEST(Sparse, LazyAddsRepeatedRowsBeforeItSquaresThem) {
  const Parameter p = table("p"), q = table("q");
  Adam adam(list(p, q), {.sparse = Sparse::lazy});
  Gradients gradients = given_rows(p, {4, 4}, {1, 1, 1, 2, 2, 2});
  gradients += given_rows(q, {4}, {3, 3, 3});
  adam.step(gradients);
  adam.step(given_rows(p, {4}, {1, 1, 1}));
  adam.step(given_rows(q, {4}, {1, 1, 1}));
  EXPECT_EQ(values(p), values(q));
}

// A weight that is an embedding here and a matrix there has a gradient of both kinds.
TEST(Sparse, RowsAndADenseTermAddUp) {
  const Parameter p(zeros({2, 1}, float64), "p");
  Gradients gradients = given(p, {1, 2});
  gradients += given_rows(p, {1}, {10});
  SGD(list(p), {.learning_rate = 1}).step(gradients);
  EXPECT_EQ(values(p), (std::vector<double>{-1, -12}));
}

TEST(Sparse, NoRowsAtAllIsAGradientOfZero) {
  const Parameter p(ones({2, 1}, float64), "p");
  SGD(list(p), {.learning_rate = 1, .weight_decay = 0.5}).step(given_rows(p, {}, {}));
  EXPECT_EQ(values(p), (std::vector<double>{0.5, 0.5}));
}

TEST(Sparse, ARowThatIsNotThereIsAnErrorAndChangesNothing) {
  const Parameter p(zeros({2, 1}, float64), "p");
  SGD sgd(list(p));
  EXPECT_EQ(message_of([&] {
              sgd.step(given_rows(p, {0, 2}, {1, 1}));
            }),
            "sgd: parameter 'p' float64 [2, 1] has a gradient for row 2");
  EXPECT_EQ(message_of([&] { sgd.step(given_rows(p, {-1}, {1})); }),
            "sgd: parameter 'p' float64 [2, 1] has a gradient for row -1");
  EXPECT_EQ(values(p), (std::vector<double>{0, 0}));
}

}  // namespace
}  // namespace rw::optim
