// Derivatives where formulas break: at zeros, ties and infinities, with repeated indices, and of
// high order.
#include "autograd/edges.h"

#include <gtest/gtest.h>

#include "rewind/autograd/gradcheck.h"
#include "rewind/nn/embedding.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/division.h"
#include "rewind/tensor/extrema.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/map.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/rounding.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/unary.h"
#include "rewind/tensor/views.h"

namespace rw::test {
namespace {

TEST(Pow, HasDerivativesAtZero) {
  EXPECT_EQ(gradient([](const Tensor& x) { return pow(x, 2); }, list({0, 3})), (Values{0, 6}));
  EXPECT_EQ(gradient([](const Tensor& x) { return pow(x, 0); }, list({0, 3})), (Values{0, 0}));
  EXPECT_EQ(gradient([](const Tensor& x) { return pow(x, 1); }, list({0, 3})), (Values{1, 1}));
  EXPECT_EQ(second([](const Tensor& x) { return pow(x, 2); }, list({0, 3})), (Values{2, 2}));
  EXPECT_EQ(second([](const Tensor& x) { return pow(x, 0); }, list({0, 3})), (Values{0, 0}));
}

TEST(Pow, OfZeroDoesNotDependOnAPositiveExponent) {
  const auto f = [](const Tensor& y) { return pow(list({0, 0, 2}), y); };
  const Values dy = gradient(f, list({2, 0, 3}));
  EXPECT_EQ(dy[0], 0);
  EXPECT_EQ(dy[1], 0);
  EXPECT_DOUBLE_EQ(dy[2], 8 * std::log(2));
  EXPECT_TRUE(all_finite(second(f, list({2, 0, 3}))));
}

TEST(Pow, OfZeroFallsWithoutEndAtANegativeExponent) {
  const auto f = [](const Tensor& y) { return pow(list({0, 0}), y); };
  EXPECT_EQ(gradient(f, list({-2, -0.5})), (Values{-kInfinity, -kInfinity}));
  EXPECT_EQ(second(f, list({-2, -0.5})), (Values{kInfinity, kInfinity}));
}

// d2 a^b / da db at a = 0, in both orders.
TEST(Pow, OfZeroHasFiniteMixedDerivativesFromExponentZeroOn) {
  const auto mixed = [](double exponent, bool base_first) {
    Tape tape;
    const Tensor a = tape.watch(list({0})), b = tape.watch(list({exponent}));
    const Gradients first = tape.backward(pow(a, b), {.record = true});
    const Gradients both = tape.backward(sum(first[base_first ? a : b]) + 0 * sum(a + b));
    return both[base_first ? b : a].item();
  };
  for (const bool base_first : {false, true}) {
    EXPECT_EQ(mixed(2, base_first), 0);
    EXPECT_EQ(mixed(1, base_first), base_first ? 1 : 0);
    EXPECT_EQ(mixed(0, base_first), base_first ? 1 : 0);
  }
}

TEST(Pow, OfANegativeNumberHasItsDerivativeByTheBase) {
  EXPECT_TRUE(gradgradcheck([](const Tensor& x) { return pow(x, 3); }, {list({-1.5, -0.5, 2})}));
  EXPECT_TRUE(gradgradcheck([](const Tensor& x) { return pow(x, 0); }, {list({-1.5, 0.5})}));
}

TEST(Kinks, TakeTheMiddle) {
  EXPECT_EQ(gradient([](const Tensor& x) { return abs(x); }, list({-2, 0, 2})), (Values{-1, 0, 1}));
  EXPECT_EQ(gradient([](const Tensor& x) { return relu(x); }, list({-2, 0, 2})), (Values{0, 0, 1}));
  EXPECT_EQ(gradient([](const Tensor& x) { return maximum(x, 1); }, list({0, 1, 2})),
            (Values{0, 0.5, 1}));
  EXPECT_EQ(gradient([](const Tensor& x) { return minimum(1 * x, x); }, list({3})), Values{1});
}

TEST(Clamp, PassesItsGradientAtTheBoundsAndInside) {
  const auto f = [](const Tensor& x) { return clamp(x, {.min = -1, .max = 2}); };
  EXPECT_EQ(gradient(f, list({-2, -1, 0, 2, 3})), (Values{0, 1, 1, 1, 0}));
}

TEST(Ties, ShareEvenly) {
  EXPECT_EQ(gradient([](const Tensor& x) { return max(x); }, list({2, 5, 5, 1})),
            (Values{0, 0.5, 0.5, 0}));
  EXPECT_EQ(gradient([](const Tensor& x) { return min(x, 0, true); }, list({2, 2, 2, 2})),
            (Values{0.25, 0.25, 0.25, 0.25}));
}

// As in PyTorch: the -inf result of a -inf logit hands its own dy on.
TEST(LogSoftmax, OfMinusInfinityPassesItsOwnGradientOn) {
  EXPECT_EQ(gradient([](const Tensor& x) { return log_softmax(x, 0); }, list({0, -kInfinity})),
            (Values{-1, 1}));
  EXPECT_EQ(gradient([](const Tensor& x) { return softmax(x, 0); }, list({0, -kInfinity})),
            (Values{0, 0}));
}

TEST(Prod, IsRightWithZerosUpToTheThirdDerivative) {
  const auto f = [](const Tensor& x) { return prod(x, 1); };
  for (const Tensor& x : {tensor({{0.0, 2.0, 3.0}, {1.0, 4.0, 2.0}}, float64),
                          tensor({{0.0, 0.0, 3.0}, {0.0, 0.0, 0.0}}, float64)}) {
    EXPECT_TRUE(gradcheck(f, {x}));
    EXPECT_TRUE(gradgradcheck(f, {x}, {.order = 3}));
  }
}

TEST(Prod, Float32FactorsMayHavePartialProductsThatOnlyDoubleHolds) {
  const Tensor x = tensor({1e30, 1e30, 1e-30, 1e-30});
  const Values dx = gradient([](const Tensor& a) { return prod(a); }, x);
  const Values factors = values(x);
  for (std::size_t i = 0; i < dx.size(); i++) EXPECT_NEAR(dx[i] * factors[i], 1, 1e-6);
}

TEST(Max, OfNanHasAZeroGradientThatPassesNoNanOn) {
  Tape tape;
  const Tensor x = tape.watch(tensor({{kInfinity, 1.0}, {std::nan(""), 2.0}}, float64));
  const Tensor dy = tape.watch(list({3, 5}));
  const Tensor dx = tape.backward({{max(x, 1), dy}}, {.record = true})[x];
  EXPECT_EQ(values(dx), (Values{3, 0, 0, 0}));
  EXPECT_EQ(values(tape.backward(sum(dx))[dy]), (Values{1, 0}));
}

TEST(Var, IsInfiniteWithItsGradientWhereNoDegreeOfFreedomIsLeft) {
  for (double correction : {2.0, 3.0}) {
    const auto f = [&](const Tensor& x) { return var(x, {}, {.correction = correction}); };
    EXPECT_EQ(f(list({1, 3})).item(), kInfinity);
    EXPECT_EQ(gradient(f, list({1, 3})), (Values{-kInfinity, kInfinity}));
    EXPECT_TRUE(std::isnan(f(list({2, 2})).item()));
    EXPECT_TRUE(std::isnan(gradient(f, list({2, 2}))[0]));
  }
}

TEST(MatMul, GradientsOfEmptySumsAndOfNoColumnsBesideABatch) {
  for (const auto& [k, n] : {std::pair<Index, Index>{0, 4}, {3, 0}, {0, 0}}) {
    Tape tape;
    const Tensor a = tape.watch(ones({2, 5, k})), b = tape.watch(ones({k, n}));
    const Gradients gradients = tape.backward(sum(matmul(a, b)));
    EXPECT_EQ(gradients[a].shape(), a.shape());
    EXPECT_EQ(gradients[b].shape(), b.shape());
    for (double v : values(gradients[a])) EXPECT_EQ(v, 0);
  }
}

TEST(ThirdDerivatives, AgreeWithDifferences) {
  const Tensor a = list({-0.7, 0.4}), b = list({0.6, 1.3});
  const auto check = [&](auto f, const std::vector<Tensor>& x) {
    EXPECT_TRUE(gradgradcheck(f, x, {.order = 3}));
  };
  check([](const Tensor& x) { return tanh(x); }, {a});
  check([](const Tensor& x) { return sigmoid(x); }, {a});
  check([](const Tensor& x) { return gelu(x); }, {a});
  check([](const Tensor& x) { return softmax(x, 0); }, {a});
  check([](const Tensor& x) { return log_softmax(x, 0); }, {a});
  check([](const Tensor& x) { return logsumexp(x); }, {a});
  check([](const Tensor& x) { return var(x); }, {a});
  check([](const Tensor& x, const Tensor& y) { return x / y; }, {a, b});
  check([](const Tensor& x, const Tensor& y) { return pow(x, y); }, {b, a});
  check([](const Tensor& x, const Tensor& y) { return matmul(x, y); }, {a, b});
}

TEST(To, BringsTheGradientBackInItsOwnDtype) {
  Tape tape;
  const Tensor x = tape.watch(ones({3}, float32));
  const Tensor dx = tape.backward(sum(2 * to(x, float64)))[x];
  EXPECT_EQ(dx.dtype(), float32);
  EXPECT_EQ(values(dx), (Values{2, 2, 2}));
  EXPECT_EQ(to(x, int64).mark(), 0u);
}

TEST(Where, PassesNoNanFromWhatIsNotChosen) {
  const auto f = [](const Tensor& x) { return where(greater(x, 0), log(x), 0); };
  const Values dx =
      gradient([&](const Tensor& x) { return f(where(greater(x, 0), x, 1)); }, list({-1, 2}));
  EXPECT_EQ(dx, (Values{0, 0.5}));
}

// Two results, of which nobody may have used one.
struct SineAndCosine {
  static constexpr std::string_view name = "sine_and_cosine";
  std::array<Spec, 2> infer(const Spec& x) const { return {x, x}; }
  void run(const Tensor& x, std::span<Tensor, 2> y) const {
    map(x, y[0], [](auto v) { return std::sin(v); });
    map(x, y[1], [](auto v) { return std::cos(v); });
  }
  static void derivative(Rules<SineAndCosine> d) {
    d([](Dy<0> ds, Dy<1> dc, OutputAt<0> s, OutputAt<1> c) {
      const Tensor dx = ds.defined() ? ds * c : zeros_like(s);
      return dc.defined() ? dx - dc * s : dx;
    });
  }
};

TEST(SeveralResults, MayBeUsedOneByOne) {
  const Tensor x = list({0.3, -1.2});
  for (int used : {0, 1, 2}) {
    const auto f = [used](const Tensor& a) {
      const std::array<Tensor, 2> y = apply(SineAndCosine{}, a);
      return used == 2 ? y[0] * y[1] : 1 * y[static_cast<std::size_t>(used)];
    };
    EXPECT_TRUE(gradcheck(f, {x}));
    EXPECT_TRUE(gradgradcheck(f, {x}));
  }
}

TEST(Bug38, NoNanReachesMaskedLogits) {
  const double inf = kInfinity;
  const Tensor x = tensor({{1.0, -inf, 2.0}, {-inf, -inf, -inf}, {0.0, inf, 1.0}}, float64);
  const Tensor finite = equal(arange(3), 0);  // only the first row is looked at
  const auto row_of = [&](const Tensor& y) { return where(unsqueeze(finite, 1), y, 0); };
  const auto soft = [&](const Tensor& a) { return square(row_of(softmax(a, 1))); };
  const auto log_soft = [&](const Tensor& a) {
    return row_of(where(greater(a, -kInfinity), log_softmax(a, 1), 0));
  };
  for (const Values& dx : {gradient(soft, x), gradient(log_soft, x), second(soft, x)}) {
    ASSERT_TRUE(all_finite(dx));
    EXPECT_EQ(dx[1], 0);
    for (std::size_t i = 3; i < 9; i++) EXPECT_EQ(dx[i], 0);
  }
}

TEST(Bug38, LogsumexpOfInfinitiesHasAStatedGradient) {
  const double inf = kInfinity;
  const auto f = [](const Tensor& x) { return logsumexp(x); };
  EXPECT_EQ(gradient(f, list({-inf, -inf})), (Values{0, 0}));
  EXPECT_EQ(gradient(f, list({1, inf})), (Values{0, 1}));
  EXPECT_EQ(gradient(f, list({3, -inf})), (Values{1, 0}));
}

TEST(Bug39, RepeatedIndicesAddUpAlikeOnAnyThreads) {
  const Tensor indices = zeros({1000}, int64);
  const Tensor dy = reference::sample({{1000, 2}, float64});
  Values first;
  for (int count : {1, 2, 3}) {
    const Threads threads(count);
    Tape tape;
    const Tensor table = tape.watch(ones({3, 2}, float64));
    const Values dx = values(tape.backward({{take(table, indices), dy}})[table]);
    if (first.empty()) first = dx;
    EXPECT_EQ(dx, first);
    EXPECT_NEAR(dx[0], values(sum(dy, 0))[0], 1e-10);
    EXPECT_EQ(dx[2], 0);
  }
}

TEST(Bug39, ThePaddingRowGetsExactlyNothing) {
  Tape tape;
  const Tensor table = tape.watch(ones({3, 2}, float64));
  const Tensor y = nn::embedding(tensor({1, 0, 1, 2}), table, 1);
  const Values dx = values(tape.backward(sum(y))[table]);
  EXPECT_EQ(dx, (Values{1, 1, 0, 0, 1, 1}));
}

}  // namespace
}  // namespace rw::test
