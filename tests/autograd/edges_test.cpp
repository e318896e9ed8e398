// Derivatives where formulas break: at zeros, ties and infinities, under broadcasting of every
// kind, with repeated indices, and of high order.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "rewind/autograd/gradcheck.h"
#include "rewind/nn/embedding.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/division.h"
#include "rewind/tensor/extrema.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/map.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/rounding.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/unary.h"
#include "rewind/tensor/views.h"
#include "support/reference.h"

namespace rw {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Values = std::vector<double>;

Tensor list(std::initializer_list<double> values) { return tensor(values, float64); }
Values values(const Tensor& x) { return reference::array(x).values; }

// The gradient of sum(f(x)).
template <class F>
Values gradient(F f, const Tensor& input) {
  Tape tape;
  const Tensor x = tape.watch(input);
  return values(tape.backward(sum(f(x)))[x]);
}

// The gradient of the sum of the gradient.
template <class F>
Values second(F f, const Tensor& input) {
  Tape tape;
  const Tensor x = tape.watch(input);
  const Tensor dx = tape.backward(sum(f(x)), {.record = true})[x];
  return values(tape.backward(sum(dx) + 0 * sum(where(isnan(x), 0, x)))[x]);
}

bool all_finite(const Values& v) {
  return std::all_of(v.begin(), v.end(), [](double x) { return std::isfinite(x); });
}

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

// How often `set` could not write in place.
class CopiesOfSet final : public Interpreter {
 public:
  void run(Call& call) override {
    const void* const before = call.type.name == "set" ? call.inputs[0]->data<double>() : nullptr;
    hand_down(call);
    if (before) {
      calls++;
      copies += call.outputs[0].data<double>() != before;
    }
  }
  int calls = 0, copies = 0;
};

TEST(Set, OfEveryRowIsRewoundInPlace) {
  const Index rows = 50;
  Tape tape;
  Tensor y = tape.watch(ones({rows, 2}, float64)), w = tape.watch(list({3, 4}));
  const Tensor x = y, factors = reshape(arange(0, 2 * rows, 1, float64), {rows, 2});
  for (Index t = 0; t < rows; t++) y.set(t, w);
  const Tensor loss = sum(y * factors);
  CopiesOfSet counter;
  const Gradients gradients = tape.backward(loss);
  EXPECT_EQ(counter.calls, rows);
  EXPECT_EQ(counter.copies, 0);
  EXPECT_EQ(values(gradients[w]), (Values{50 * 49, 50 * 50}));
  EXPECT_EQ(values(gradients[x]), Values(100, 0));
}

// Neither what is asked for of the middle nor the gradient that was given may change.
TEST(Set, LeavesGradientsAloneThatOthersHold) {
  Tape tape;
  const Tensor x = tape.watch(list({1, 2}));
  Tensor y = 2 * x;
  y.set(0, sum(x));
  const Tensor middle = tape.watch(y), dy = list({5, 7});
  Tensor z = middle;
  z.set(1, 0.0);
  const Gradients gradients = tape.backward({{z, dy}});
  EXPECT_EQ(values(dy), (Values{5, 7}));
  EXPECT_EQ(values(gradients[middle]), (Values{5, 0}));
  EXPECT_EQ(values(gradients[x]), (Values{5, 5}));
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

TEST(Gelu, HasTheSlopeOfItsLimitsFarOut) {
  for (const bool approximate : {false, true}) {
    const auto f = [&](const Tensor& x) { return gelu(x, {.approximate = approximate}); };
    const Values slopes{0, 0, 0, 1, 1, 1};
    const Tensor far32 = tensor({-kInfinity, -2e38, -2e19, 2e19, 2e38, kInfinity});
    const Tensor far64 = list({-kInfinity, -1e300, -2e19, 2e19, 1e300, kInfinity});
    for (const Tensor& x : {far32, far64}) {
      EXPECT_EQ(gradient(f, x), slopes);
      EXPECT_EQ(second(f, x), (Values{0, 0, 0, 0, 0, 0}));
    }
    EXPECT_TRUE(std::isnan(gradient(f, list({std::nan("")}))[0]));
  }
}

// The definitions in long double, whose tails have digits to spare.
long double gelu_slope(long double x) {
  const long double pi = std::acos(-1.0L);
  return std::erfc(-x / std::sqrt(2.0L)) / 2 + x * std::exp(-x * x / 2) / std::sqrt(2 * pi);
}
long double approximate_gelu_slope(long double x) {
  const long double k = std::sqrt(2 / std::acos(-1.0L)), a = 0.044715L;
  const long double gate = 1 / (1 + std::exp(-2 * k * (x + a * x * x * x)));
  return gate + x * gate * (1 - gate) * 2 * k * (1 + 3 * a * x * x);
}

TEST(Gelu, KeepsTheDigitsOfItsGradientInTheTails) {
  for (const bool approximate : {false, true}) {
    const auto f = [&](const Tensor& x) { return gelu(x, {.approximate = approximate}); };
    const auto slope = approximate ? approximate_gelu_slope : gelu_slope;
    for (const Dtype dtype : {float32, float64}) {
      const Tensor x = arange(-8, 8, 0.2, dtype);
      const Values dx = gradient(f, x), at = values(x);
      for (std::size_t i = 0; i < dx.size(); i++) {
        const auto expected = static_cast<double>(slope(at[i]));
        const double growth = 4 + std::pow(at[i], approximate ? 4 : 2);
        // Around its zero at -0.75 the slope is the difference of terms of about 0.2.
        const double scale = std::abs(at[i]) < 1 ? 1 : std::abs(expected);
        const double error = std::abs(dx[i] - expected);
        const double allowed =
            dtype == float32 ? 0x1.01p-24 * std::abs(expected) : 0x1p-52 * growth * scale;
        EXPECT_LE(error, allowed) << at[i];
      }
    }
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

// Shapes of rank 0 to `rank` with these sizes.
std::vector<Dims> shapes_up_to(int rank, Index sizes) {
  std::vector<Dims> all{{}};
  for (std::size_t i = 0; i < all.size(); i++) {
    if (all[i].rank() == rank) continue;
    for (Index size = 0; size < sizes; size++) {
      Dims longer = all[i];
      longer.push_back(size);
      all.push_back(longer);
    }
  }
  return all;
}

// Whether the gradient of a + b for `shape` is dy summed over what was repeated.
bool undoes_broadcast(const Tensor& dx, const Dims& shape, const Tensor& dy) {
  if (!(dx.spec() == Spec{shape, float64})) return false;
  Values expected(static_cast<std::size_t>(shape.count()));
  reference::for_each_position(dy.shape(), [&](const reference::Position& p) {
    Index place = 0;
    for (int i = 0; i < shape.rank(); i++) {
      const Index at = p[static_cast<std::size_t>(i + dy.rank() - shape.rank())];
      place = place * shape[i] + (shape[i] == 1 ? 0 : at);
    }
    expected[static_cast<std::size_t>(place)] += reference::element(dy, p, dy.shape());
  });
  const Values seen = values(dx);
  for (std::size_t i = 0; i < seen.size(); i++) {
    if (std::abs(seen[i] - expected[i]) > 1e-12) return false;
  }
  return true;
}

TEST(Bug29, BroadcastsOfAllShapesAreUndone) {
  const std::vector<Dims> shapes = shapes_up_to(4, 4);
  int pairs = 0;
  for (const Dims& a : shapes) {
    for (const Dims& b : shapes) {
      bool fits = true;
      for (int i = 1; i <= std::min(a.rank(), b.rank()); i++) {
        const Index p = a[a.rank() - i], q = b[b.rank() - i];
        fits &= p == q || p == 1 || q == 1;
      }
      if (!fits) continue;
      Tape tape;
      const Tensor x = tape.watch(ones(a, float64)), y = tape.watch(ones(b, float64));
      const Tensor z = x * y;
      const Tensor dz = reference::sample(z.spec());
      const Gradients gradients = tape.backward({{z, dz}});
      ASSERT_TRUE(undoes_broadcast(gradients[x], a, dz)) << to_string(a) << " " << to_string(b);
      ASSERT_TRUE(undoes_broadcast(gradients[y], b, dz)) << to_string(a) << " " << to_string(b);
      pairs++;
    }
  }
  EXPECT_GT(pairs, 10000);
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
}  // namespace rw
