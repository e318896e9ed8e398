// The output layer with its loss as one operation, against the two that it stands for.
#include "rewind/nn/loss/linear_cross_entropy.h"

#include <algorithm>
#include <limits>

#include "nn/differences.h"
#include "nn/loss/linear_layer_case.h"
#include "rewind/autograd/scan.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/unary.h"
#include "support/compare.h"

namespace rw {
namespace {

using nn::CrossEntropyOptions;
using nn::Reduction;
using test::Given;
using test::wave;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

constexpr Reduction kReductions[] = {Reduction::mean, Reduction::sum, Reduction::none};

// The value and all gradients, each with its own factor at each row.
void expect_same_as_apart(const Given& given, const CrossEntropyOptions& options,
                          double tolerance) {
  const auto run = [&](auto loss) {
    Tape tape;
    const Tensor y = loss();
    const Gradients g = tape.backward({{y, to(wave(y.shape(), 0.4), y.dtype())}});
    return std::vector<Tensor>{y, g[given.x], g[given.weight], g[given.bias]};
  };
  const std::vector<Tensor> seen = run([&] { return given.fused(options); });
  const std::vector<Tensor> expected = run([&] { return given.apart(options); });
  for (std::size_t i = 0; i < seen.size(); i++)
    EXPECT_LE(largest_difference(seen[i], expected[i]), tolerance);
}

// 900 rows are three blocks, 150 words two pieces.
TEST(LinearCrossEntropy, IsTheLayerAndItsLoss) {
  for (const auto [rows, features, classes] :
       {std::array<Index, 3>{7, 3, 5}, std::array<Index, 3>{3, 0, 5}, std::array<Index, 3>{2, 9, 4},
        std::array<Index, 3>{900, 20, 150}, std::array<Index, 3>{30, 70, 530}}) {
    for (const Reduction reduction : kReductions) {
      expect_same_as_apart(Given(rows, features, classes), {.reduction = reduction}, 1e-12);
      expect_same_as_apart(Given(rows, features, classes, float32), {.reduction = reduction}, 2e-5);
    }
  }
}

TEST(LinearCrossEntropy, TakesTheOptionsOfCrossEntropy) {
  const Given given(9, 3, 5);
  const Tensor weight = tensor({0.5, 2.0, 0.0, 3.0, 1.0}, float64);
  const Tensor none_ignored = masked_fill(given.targets, equal(given.targets, -100), 4);
  for (const Reduction reduction : kReductions) {
    expect_same_as_apart(given, {.label_smoothing = 0.2, .reduction = reduction}, 1e-14);
    expect_same_as_apart(given, {.weight = weight, .reduction = reduction}, 1e-14);
    expect_same_as_apart(given, {.label_smoothing = 0.2, .weight = weight, .reduction = reduction},
                         1e-14);
    Given other = given;
    other.targets = none_ignored;
    expect_same_as_apart(other, {.ignore_index = 4, .reduction = reduction}, 1e-14);
  }
}

TEST(LinearCrossEntropy, HasRightGradients) {
  const Given given(6, 3, 4);
  const Parameter class_weight(tensor({0.5, 2.0, 1.0, 3.0}, float64), "class_weight");
  for (const Reduction reduction : kReductions) {
    test::expect_gradients(
        [&] { return given.fused({.weight = class_weight, .reduction = reduction}); },
        test::variables({&given.x, &given.weight, &given.bias, &class_weight}));
  }
}

// Gradients that were computed with the loss (3 features, mean), and those that are computed in the
// rewind.
TEST(LinearCrossEntropy, HasRightSecondDerivatives) {
  for (const Index features : {3, 9}) {
    for (const Reduction reduction : {Reduction::mean, Reduction::none}) {
      const Given given(2, features, 4);
      const Parameter class_weight(tensor({0.5, 2.0, 1.0, 3.0}, float64), "class_weight");
      for (const Parameter* by : {&given.x, &given.weight, &given.bias, &class_weight}) {
        const auto loss = [&] {
          const Tensor y = given.fused({.weight = class_weight, .reduction = reduction});
          return sum(y * y);
        };
        test::expect_gradients(
            [&] { return test::gradient_of(loss, *by); },
            test::variables({&given.x, &given.weight, &given.bias, &class_weight}));
      }
    }
  }
}

TEST(LinearCrossEntropy, HasRightThirdDerivatives) {
  const Given given(4, 2, 3);
  const auto loss = [&] { return given.fused({.label_smoothing = 0.1}); };
  const auto slope = [&] { return sum(square(test::gradient_of(loss, given.weight))); };
  test::expect_gradients([&] { return test::gradient_of(slope, given.x); },
                         test::variables({&given.x, &given.weight, &given.bias}), 1e-5);
}

TEST(LinearCrossEntropy, TakesAnyLeadingAxesAndMayHaveNoBias) {
  const Tensor x = wave({3, 2, 4}), weight = wave({5, 4}, 1);
  const Tensor targets = tensor({{0, 1}, {2, 3}, {4, 0}});
  for (const Reduction reduction : kReductions) {
    EXPECT_LE(largest_difference(
                  nn::linear_cross_entropy(x, weight, {}, targets, {.reduction = reduction}),
                  nn::cross_entropy(nn::linear(x, weight), targets, {.reduction = reduction})),
              1e-14);
  }
  EXPECT_LE(largest_difference(nn::linear_cross_entropy(x[1][0], weight, {}, scalar(2, int64)),
                               nn::cross_entropy(nn::linear(x[1][0], weight), scalar(2, int64))),
            1e-14);
}

TEST(LinearCrossEntropy, ReadsStridedViews) {
  const Parameter x(wave({4, 6}), "x"), weight(wave({4, 5}, 1), "weight");
  const Tensor targets = slice(tensor({0, 9, 2, 9, 4, 9, 1, 9, 3, 9, 0, 9}), 0, 0, 12, 2);
  const auto run = [&](auto loss) {
    Tape tape;
    const Tensor y = loss(transpose(x), transpose(weight), slice(wave({10}), 0, 0, 10, 2));
    const Gradients g = tape.backward(y);
    return std::vector<Tensor>{y, g[x], g[weight]};
  };
  const std::vector<Tensor> seen = run([&](const Tensor& a, const Tensor& w, const Tensor& b) {
    return nn::linear_cross_entropy(a, w, b, targets);
  });
  const std::vector<Tensor> expected = run([&](const Tensor& a, const Tensor& w, const Tensor& b) {
    return nn::cross_entropy(nn::linear(a, w, b), targets);
  });
  for (std::size_t i = 0; i < seen.size(); i++)
    EXPECT_LE(largest_difference(seen[i], expected[i]), 1e-14);
}

TEST(LinearCrossEntropy, OfNothingIsZero) {
  for (const Index rows : {0, 4}) {
    Given given(rows, 3, 5);
    given.targets = full({rows}, -100, int64);
    for (const Reduction reduction : kReductions) {
      Tape tape;
      const Tensor y = given.fused({.reduction = reduction});
      EXPECT_EQ(elements(sum(y)), std::vector<double>{0});
      const Gradients g = tape.backward(sum(y));
      for (const Parameter* p : {&given.x, &given.weight, &given.bias}) {
        EXPECT_EQ(elements(g[*p]),
                  std::vector<double>(static_cast<std::size_t>(p->value().size())));
      }
    }
  }
}

// In the two operations the NaN would reach the gradient of the weight, as 0 * NaN.
TEST(LinearCrossEntropy, DoesNotLookAtIgnoredRows) {
  Given given(4, 3, 5);
  given.targets = tensor({1, -100, 0, 4});
  const auto run = [&] {
    Tape tape;
    const Tensor y = given.fused();
    const Gradients g = tape.backward(y);
    return std::vector<Tensor>{y, g[given.x], g[given.weight], g[given.bias]};
  };
  const std::vector<Tensor> clean = run();
  for (Index i = 3; i < 6; i++)
    given.x.value().mutable_span<double>()[static_cast<std::size_t>(i)] = kNan;
  const std::vector<Tensor> with_nan = run();
  for (std::size_t i = 0; i < 4; i++) EXPECT_EQ(elements(with_nan[i]), elements(clean[i])) << i;
}

TEST(LinearCrossEntropy, ARowHasTheSameLossAtAnyPlaceOfAnyBatch) {
  constexpr Index kRows = 450;
  Given given(kRows, 67, 130, float32);
  given.targets = masked_fill(given.targets, equal(given.targets, -100), 17);
  const auto losses = [&](const Tensor& x, const Tensor& targets) {
    return elements(nn::linear_cross_entropy(x, given.weight, given.bias, targets,
                                             {.reduction = Reduction::none}));
  };
  const Tensor x = given.x;
  const std::vector<double> all = losses(x, given.targets);
  std::vector<double> backwards = losses(flip(x, {0}), flip(given.targets, {0}));
  std::reverse(backwards.begin(), backwards.end());
  EXPECT_EQ(backwards, all);
  for (const Index row : {0, 5, 449}) {
    EXPECT_EQ(losses(x[row], given.targets[row])[0], all[static_cast<std::size_t>(row)]);
  }
}

TEST(LinearCrossEntropy, HasTheSameBitsForAnyNumberOfThreads) {
  const Given given(900, 150, 700, float32);
  const auto run = [&](int threads) {
    const Threads limit(threads);
    Tape tape;
    const Tensor y = given.fused();
    const Gradients g = tape.backward(y);
    std::vector<double> all;
    for (const Tensor& t : {y, g[given.x], g[given.weight], g[given.bias]}) {
      const std::vector<double> numbers = elements(t);
      all.insert(all.end(), numbers.begin(), numbers.end());
    }
    return all;
  };
  const std::vector<double> alone = run(1);
  for (const int threads : {2, 3, 5}) EXPECT_EQ(run(threads), alone) << threads;
}

std::vector<double> scanned(const Given& given, const Tensor& xs, const Tensor& targets) {
  Tape tape;
  const Tensor watched = tape.watch(xs);
  const auto step = [&](const std::array<Tensor, 2>& x, const Tensor& sum) {
    const Tensor h = x[0] * 0.5;
    return std::pair(sum + nn::linear_cross_entropy(h, given.weight, given.bias, x[1],
                                                    {.reduction = Reduction::none}),
                     h);
  };
  const auto result = scan(step, std::array<Tensor, 2>{watched, targets}, zeros({4}, float64));
  const Gradients g = tape.backward(sum(square(result.final)));
  std::vector<double> all = elements(result.final);
  for (const Tensor& t : {g[watched], g[given.weight], g[given.bias]}) {
    const std::vector<double> numbers = elements(t);
    all.insert(all.end(), numbers.begin(), numbers.end());
  }
  return all;
}

TEST(LinearCrossEntropy, RunsInTheStepsOfAScan) {
  const Given given(4, 3, 5);
  const Tensor xs = wave({3, 4, 3}),
               targets = tensor({{0, 1, 2, 3}, {4, -100, 0, 1}, {1, 1, 2, 0}});
  const std::vector<double> planned = scanned(given, xs, targets);
  const PlainLoops plain;
  const std::vector<double> expected = scanned(given, xs, targets);
  ASSERT_EQ(planned.size(), expected.size());
  for (std::size_t i = 0; i < planned.size(); i++) EXPECT_NEAR(planned[i], expected[i], 1e-13);
}

// Gradients of the layer mix rows, and a step with lengths knows rows alone.
TEST(LinearCrossEntropy, IsRefusedInTheStepsOfAScanWithLengths) {
  const Given given(2, 3, 5);
  const auto step = [&](const Tensor& x, const Tensor& sum) {
    return sum + nn::linear_cross_entropy(x, given.weight, given.bias, tensor({1, 4}),
                                          {.reduction = Reduction::none});
  };
  const Lengths lengths{2, 1};
  EXPECT_ERROR(scan(step, wave({2, 2, 3}), zeros({2}, float64), {.lengths = lengths}), ShapeError,
               "scan: the step mixes rows of the batch, or seems to, linear_cross_entropy{-100, 0, "
               "false, false, false} of float64 [2, 3], float64 [5, 3], float64 [5], int64 [2], "
               "float64 [2], and with lengths they are not all there; if it keeps them apart, use "
               "loop or PlainLoops, or declare an operation of yours `rowwise`");
}

TEST(LinearCrossEntropy, SaysWhatDoesNotFit) {
  const Tensor x = ones({2, 3}), weight = ones({4, 3}), bias = ones({4});
  const Tensor targets = tensor({0, 1});
  EXPECT_ERROR(nn::linear_cross_entropy(x, ones({4, 2}), bias, targets), ShapeError,
               "linear_cross_entropy: x must be [..., features] and the weight [classes, "
               "features], with a class or more, got float32 [2, 3] and float32 [4, 2]");
  EXPECT_ERROR(nn::linear_cross_entropy(x, zeros({0, 3}), zeros({0}), targets), ShapeError,
               "linear_cross_entropy: x must be [..., features] and the weight [classes, "
               "features], with a class or more, got float32 [2, 3] and float32 [0, 3]");
  EXPECT_ERROR(nn::linear_cross_entropy(x, weight, ones({3}), targets), ShapeError,
               "linear_cross_entropy: the weight float32 [4, 3] wants a bias [4], got float32 [3]");
  EXPECT_ERROR(nn::linear_cross_entropy(x, weight, bias, tensor({0, 1, 2})), ShapeError,
               "linear_cross_entropy: x float32 [2, 3] wants classes [2], got targets int64 [3]");
  EXPECT_ERROR(nn::linear_cross_entropy(x, weight, bias, ones({2})), DtypeError,
               "linear_cross_entropy: targets must be int64 classes, got float32 [2]; "
               "cross_entropy takes probabilities beside logits");
  EXPECT_ERROR(nn::linear_cross_entropy(x, ones({4, 3}, float64), bias, targets), DtypeError,
               "linear_cross_entropy: x float32 [2, 3], weight float64 [4, 3] and bias float32 [4] "
               "must have one dtype, float32 or float64; convert x with to(x, float64), or the "
               "model with nn::to");
  for (const Tensor& class_weight : {Tensor(), ones({4})}) {
    EXPECT_ERROR(
        nn::linear_cross_entropy(x, weight, bias, tensor({0, 4}), {.weight = class_weight}),
        IndexError,
        "linear_cross_entropy: target 4 at position 1 of targets [2], but the logits float32 [2, "
        "4] have 4 classes; to ignore targets give them the ignore_index, -100");
  }
  EXPECT_ERROR(nn::linear_cross_entropy(x, weight, bias, targets, {.label_smoothing = 2}),
               ValueError, "linear_cross_entropy: label_smoothing is 2; it lies in [0, 1]");
  EXPECT_ERROR(nn::linear_cross_entropy(x, weight, bias, targets, {.weight = ones({2})}),
               ShapeError,
               "linear_cross_entropy: logits float32 [2, 4] want weights float32 [4], one per "
               "class, got float32 [2]");
}

}  // namespace
}  // namespace rw
