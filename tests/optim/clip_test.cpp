#include "rewind/optim/clip.h"

#include <gtest/gtest.h>

#include <cmath>

#include "optim/given.h"
#include "optim/plain_descent.h"
#include "rewind/autograd/tape.h"
#include "rewind/optim/adam.h"
#include "rewind/optim/norm.h"
#include "rewind/optim/rmsprop.h"
#include "rewind/optim/sgd.h"
#include "rewind/tensor/convert.h"
#include "support/compare.h"

namespace rw::optim {
namespace {

Gradients two(const Parameter& a, const std::vector<double>& x, const Parameter& b,
              const std::vector<double>& y) {
  Gradients gradients = given(a, x);
  give(gradients, b, numbers(y));
  return gradients;
}

TEST(ClipNorm, ScalesAllGradientsByOneFactorAndReturnsTheNormBefore) {
  const Parameter a = parameter("a", {0, 0}), b = parameter("b", {0});
  Gradients gradients = two(a, {3, 4}, b, {12});
  EXPECT_DOUBLE_EQ(clip_norm(gradients, 6.5), 13);
  EXPECT_EQ(values(gradients[a]), (std::vector<double>{1.5, 2}));
  EXPECT_EQ(values(gradients[b]), (std::vector<double>{6}));
}

TEST(ClipNorm, LeavesSmallGradientsToTheBit) {
  const Parameter a = parameter("a", {0, 0}), b = parameter("b", {0});
  Gradients gradients = two(a, {0.1, 0.2}, b, {0.3});
  const double norm = clip_norm(gradients, INFINITY);
  EXPECT_EQ(clip_norm(gradients, norm), norm);
  EXPECT_EQ(values(gradients[a]), (std::vector<double>{0.1, 0.2}));
}

TEST(ClipNorm, Bug35HugeGradientsKeepTheirDirection) {
  const Parameter p(zeros({2}, float32), "p");
  Gradients gradients;
  give(gradients, p, full({2}, 1e20, float32));
  EXPECT_NEAR(clip_norm(gradients, 1.0) / (1e20 * std::sqrt(2)), 1, 1e-7);
  for (float x : gradients[p].span<float>()) EXPECT_NEAR(x, std::sqrt(0.5), 1e-6);

  const Parameter q = parameter("q", {0, 0});
  for (double size : {1e200, 1e-200, 5e-324}) {
    gradients = given(q, {3 * size, 4 * size});
    EXPECT_NEAR(clip_norm(gradients, size) / size, 5, 1e-12);
  }
}

TEST(ClipNorm, Bug35NonFiniteNormsThrowTheNamesAndChangeNothing) {
  const Parameter good = parameter("good", {0, 0}), bad = parameter("bad", {0});
  for (double number : {INFINITY, -INFINITY, NAN}) {
    Gradients gradients = two(good, {30, 40}, bad, {number});
    const std::string message = message_of([&] { clip_norm(gradients, 1.0); });
    EXPECT_TRUE(contains(message, "from parameter 'bad' float64 [1]; lower the")) << message;
    EXPECT_FALSE(contains(message, "good")) << message;
    EXPECT_THROW(clip_value(gradients, 1.0), GradientError);
    EXPECT_EQ(values(gradients[good]), (std::vector<double>{30, 40}));
  }
}

TEST(ClipNorm, NamesThoseThatAreInfiniteOnlyTogether) {
  const Parameter a = parameter("a", {0}), small = parameter("small", {0}), b = parameter("b", {0});
  Gradients gradients = two(a, {1.5e308}, small, {1});
  give(gradients, b, numbers({-1.5e308}));
  EXPECT_EQ(message_of([&] { clip_norm(gradients, 1.0); }),
            "clip_norm: the norm is inf, from parameter 'a' float64 [1], parameter 'b' float64 "
            "[1]; lower the learning rate, or pass .skip_non_finite here and to the optimizer");
}

TEST(ClipNorm, Bug35PassesNonFiniteGradientsToAnOptimizerThatSkips) {
  const Parameter p = parameter("p", {1});
  SGD sgd(list(p), {.skip_non_finite = true});
  Gradients gradients = given(p, {INFINITY});
  EXPECT_EQ(clip_norm(gradients, 1.0, {.skip_non_finite = true}), INFINITY);
  EXPECT_EQ(clip_value(gradients, 1.0, {.skip_non_finite = true}), INFINITY);
  EXPECT_FALSE(sgd.step(gradients));
  EXPECT_EQ(p.value().item(), 1);
}

TEST(ClipNorm, Bug35NegativeLimitsThrow) {
  const Parameter p = parameter("p", {1});
  Gradients gradients = given(p, {1});
  EXPECT_EQ(message_of([&] { clip_norm(gradients, -1); }),
            "clip_norm: the limit is -1; it must be zero or more");
  EXPECT_THROW(clip_norm(gradients, NAN), ValueError);
  EXPECT_THROW(clip_value(gradients, -1), ValueError);
  EXPECT_EQ(values(gradients[p]), (std::vector<double>{1}));
}

TEST(ClipNorm, Bug35ZeroIsANorm) {
  const Parameter p = parameter("p", {1});
  Gradients gradients = given(p, {0});
  EXPECT_EQ(clip_norm(gradients, 1), 0);
  EXPECT_EQ(clip_norm(gradients, 0), 0);
  EXPECT_EQ(values(gradients[p]), (std::vector<double>{0}));
  Gradients none;
  EXPECT_EQ(clip_norm(none, 1), 0);
}

TEST(ClipNorm, Bug36CountsTiedWeightsOnce) {
  const Parameter p = parameter("p", {1});
  const Parameter tied = p.tie();
  Tape tape;
  Gradients gradients = tape.backward(Tensor(p) * 3 + Tensor(tied) * 4);
  EXPECT_EQ(clip_norm(gradients, 3.5), 7);
  EXPECT_EQ(values(gradients[tied]), (std::vector<double>{3.5}));
}

TEST(ClipNorm, AddsRepeatedRowsBeforeSquaring) {
  const Parameter p(zeros({3, 2}, float64), "p");
  Gradients gradients = given_rows(p, {2, 0, 2}, {1, 0, 0, 4, 2, 0});
  EXPECT_EQ(clip_norm(gradients, 2.5), 5);
  EXPECT_TRUE(gradients.find(p)->is_sparse());
  EXPECT_EQ(values(gradients[p]), (std::vector<double>{0, 2, 0, 0, 1.5, 0}));
}

TEST(ClipNorm, KeepsTermsApart) {
  const Parameter p = parameter("p", {0});
  Gradients gradients;
  gradients.add(p, {p.spec(), {{numbers({6}), {}}, {numbers({-2}), {}}}});
  EXPECT_EQ(clip_norm(gradients, 2), 4);
  EXPECT_EQ(gradients.find(p)->terms.size(), 2u);
  EXPECT_EQ(gradients.find(p)->terms[0].values.item(), 3);
}

TEST(ClipNorm, DoesNotChangeCopiesOfTheGradients) {
  const Parameter p = parameter("p", {0});
  Gradients gradients = given(p, {2});
  const Gradients before = gradients;
  clip_norm(gradients, 1);
  EXPECT_EQ(before[p].item(), 2);
  EXPECT_EQ(gradients[p].item(), 1);
}

TEST(ClipNorm, SpeaksOfParametersOnly) {
  const Parameter p = parameter("p", {3});
  Tape tape;
  const Tensor x = tape.watch(numbers({100}));
  Gradients gradients = tape.backward(Tensor(p) * x);
  EXPECT_EQ(clip_norm(gradients, 1), 100);
  EXPECT_EQ(gradients[x].item(), 3);
  EXPECT_EQ(gradients[p].item(), 1);
}

TEST(ClipNorm, RefusesGradientsWithoutAnyParameter) {
  Tape tape;
  const Tensor x = tape.watch(numbers({2}));
  Gradients gradients = tape.backward(x * x);
  EXPECT_EQ(message_of([&] { clip_norm(gradients, 1); }),
            "clip_norm: none of the 1 gradients is of a parameter; watched tensors are not "
            "clipped");
}

TEST(ClipNorm, ClipsGradientsOnALiveTape) {
  const Parameter p = parameter("p", {3});
  Tape tape;
  Gradients gradients = tape.backward(Tensor(p) * Tensor(p), {.record = true});
  EXPECT_EQ(clip_norm(gradients, 1), 6);
  EXPECT_EQ(gradients[p].item(), 1);
}

TEST(ClipValue, LimitsEachElementAndReturnsTheNormBefore) {
  const Parameter p = parameter("p", {0, 0, 0});
  Gradients gradients = given(p, {3, -4, 0.5});
  EXPECT_DOUBLE_EQ(clip_value(gradients, 1), std::sqrt(25.25));
  EXPECT_EQ(values(gradients[p]), (std::vector<double>{1, -1, 0.5}));
}

TEST(ClipValue, LimitsSumsOfRows) {
  const Parameter p(zeros({3, 2, 1}, float64), "p");
  Gradients gradients = given_rows(p, {2, 0, 2}, {1, 0, 0, 4, 2, 0});
  EXPECT_EQ(clip_value(gradients, 2.5), 5);
  EXPECT_TRUE(gradients.find(p)->is_sparse());
  EXPECT_EQ(values(gradients[p]), (std::vector<double>{0, 2.5, 0, 0, 2.5, 0}));
}

TEST(Norm, IsThatOfAllParametersTogether) {
  const Parameter a = parameter("a", {0, 0}), b = parameter("b", {0});
  EXPECT_DOUBLE_EQ(norm(two(a, {3, 4}, b, {12})), 13);
  EXPECT_EQ(norm(Gradients{}), 0);
}

TEST(Norm, SeesEveryElement) {
  for (std::size_t n : {1u, 7u, 8u, 9u, 31u}) {
    for (std::size_t i = 0; i < n; i++) {
      std::vector<double> x(n, 0);
      x[i] = -2;
      EXPECT_EQ(norm(x), 2);
      x[i] = NAN;
      EXPECT_TRUE(std::isnan(norm(x)));
      EXPECT_FALSE(all_finite(numbers(x)));
      x[i] = -INFINITY;
      EXPECT_EQ(norm(x), INFINITY);
      EXPECT_FALSE(all_finite(numbers(x)));
      x[i] = 1e308;
      EXPECT_TRUE(all_finite(numbers(x)));
    }
  }
}

// Three steps with a limit, of which two are limited, beside the clip and the step by themselves.
template <class Make>
void expect_clip_and_step(Make make) {
  for (const Dtype dtype : {float32, float64}) {
    const auto run = [&](bool in_the_step) {
      const Parameter a(zeros({600}, dtype), "a"), table(zeros({7, 3}, dtype), "table");
      auto optimizer = make(list(a, table));
      for (const double size : {5.0, 0.001, 300.0}) {
        Gradients gradients;
        Tensor dense = Tensor::uninitialized({{600}, float64});
        for (Index i = 0; i < 600; i++) {
          dense.mutable_span<double>()[static_cast<std::size_t>(i)] = size * std::sin(i);
        }
        give(gradients, a, cast(dense, dtype));
        const Tensor rows =
            cast(from_span(std::vector{size, 1.0, -size, 2.0, size, 0.5}, {2, 3}), dtype);
        gradients.add(table, {table.spec(), {{rows, from_span(std::vector<Index>{1, 4}, {2})}}});
        const Tensor before = gradients[a];
        if (!in_the_step) clip_norm(gradients, 2.0);
        optimizer.step(gradients, {.max_norm = in_the_step ? 2.0 : INFINITY});
        if (in_the_step) {
          EXPECT_EQ(largest_difference(gradients[a], before), 0);
        }
      }
      return std::pair(a.value(), table.value());
    };
    const auto [a, table] = run(true);
    const auto [clipped_a, clipped_table] = run(false);
    const double bound = dtype == float32 ? 2e-6 : 1e-14;
    EXPECT_GT(largest_difference(a, zeros({600}, dtype)), 1e-4);
    EXPECT_LE(largest_difference(a, clipped_a), bound);
    EXPECT_LE(largest_difference(table, clipped_table), bound);
  }
}

TEST(MaxNorm, OfAStepIsAClipBeforeIt) {
  using Parameters = std::vector<Parameter>;
  expect_clip_and_step([](Parameters p) { return SGD(std::move(p), {.learning_rate = 0.1}); });
  expect_clip_and_step([](Parameters p) {
    return SGD(std::move(p), {.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.1});
  });
  expect_clip_and_step([](Parameters p) { return Adam(std::move(p), {.learning_rate = 0.1}); });
  expect_clip_and_step([](Parameters p) {
    return RMSprop(std::move(p), {.momentum = 0.9, .centered = true, .sparse = Sparse::lazy});
  });
  expect_clip_and_step([](Parameters p) { return PlainDescent(std::move(p)); });
}

TEST(MaxNorm, IsOfAllParametersWhoeverHoldsThem) {
  const Parameter a = parameter("a", {0, 0}), b = parameter("b", {0}), c = parameter("c", {0});
  SGD sgd(list(a), {.learning_rate = 1}), other(list(b));
  c.tie().freeze();
  Gradients gradients = two(a, {1, 2}, b, {2});
  give(gradients, c, numbers({4}));
  sgd.step(gradients, {.max_norm = 1});
  EXPECT_EQ(values(a), (std::vector<double>{-0.2, -0.4}));
}

// Where the factor is no float32.
TEST(MaxNorm, OfHugeGradientsKeepsTheirDirection) {
  for (const bool recorded : {false, true}) {
    const Parameter p(zeros({2}, float32), "p");
    SGD sgd(list(p), {.learning_rate = 1});
    Tape tape;
    Gradients gradients;
    const Tensor huge = full({2}, 3e38, float32);
    give(gradients, p, recorded ? tape.watch(huge) : huge);
    sgd.step(gradients, {.max_norm = 1e-3});
    for (const float x : p.value().span<float>()) EXPECT_NEAR(x / -1e-3, std::sqrt(0.5), 1e-6);
    EXPECT_EQ(gradients[p].span<float>()[0], 3e38f);
  }
}

TEST(MaxNorm, RefusesWhatIsNoLimitAndANormThatIsNotFinite) {
  const Parameter p = parameter("p", {0, 0}), other = parameter("other", {0});
  SGD sgd(list(p)), skipping(list(other), {.skip_non_finite = true});
  EXPECT_EQ(message_of([&] {
              sgd.step(given(p, {1, 2}), {.max_norm = -1});
            }),
            "sgd: step: .max_norm is -1; it must be zero or more");
  EXPECT_THROW(sgd.step(given(p, {1, 2}), {.max_norm = NAN}), ValueError);
  EXPECT_EQ(message_of([&] {
              sgd.step(two(p, {1.7e308, 1.7e308}, other, {1.7e308}), {.max_norm = 1});
            }),
            "sgd: step: not finite: the norm of all gradients together; lower the learning rate, "
            "clip, or set .skip_non_finite");
  const std::string message = message_of([&] {
    sgd.step(two(p, {1, 2}, other, {NAN}), {.max_norm = 1});
  });
  EXPECT_TRUE(contains(message, "the gradient of parameter 'other'")) << message;
  EXPECT_FALSE(skipping.step(two(p, {1, 2}, other, {NAN}), {.max_norm = 1}));
  EXPECT_EQ(skipping.skipped(), 1);
  EXPECT_EQ(values(p), (std::vector<double>{0, 0}));
}

}  // namespace
}  // namespace rw::optim
