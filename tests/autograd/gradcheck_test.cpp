// The checker must find every kind of mistake that a rule can have, and say where it is.
#include "rewind/autograd/gradcheck.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rewind/nn/dropout.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/extrema.h"
#include "rewind/tensor/map.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/unary.h"
#include "rewind/tensor/views.h"
#include "support/elements.h"
#include "support/message_of.h"
#include "support/reference.h"

namespace rw {
namespace {

// Expects that f() throws an E with exactly this text.
template <class E>
void expect_error(const std::string& text, auto f) {
  EXPECT_EQ(message_of<E>(f), text);
}

// Operations with the value x * x and a rule of their own.
template <class Rule>
struct Squared {
  static constexpr std::string_view name = "squared";
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    map(x, y, [](auto v) { return v * v; });
  }
  static void derivative(Rules<Squared> d) { Rule::write(d); }
};

template <class Rule>
Tensor squared(const Tensor& x) {
  return apply(Squared<Rule>{}, x);
}

struct Right {
  static void write(auto& d) {
    d([](const Tensor& dy, Input<0> x) { return 2 * (dy * x); });
  }
};
struct HalfAsMuch {
  static void write(auto& d) {
    d([](const Tensor& dy, Input<0> x) { return dy * x; });
  }
};
struct ForgetsWhatArrives {
  static void write(auto& d) {
    d([](const Tensor&, Input<0> x) { return 2 * static_cast<const Tensor&>(x); });
  }
};
struct Backwards {
  static void write(auto& d) {
    d([](const Tensor& dy, Input<0> x) { return flip(2 * (dy * x), {0}); });
  }
};
struct OneElementOff {  // a mistake that a random direction would miss one time in many
  static void write(auto& d) {
    d([](const Tensor& dy, Input<0> x) {
      Tensor dx = 2 * (dy * x);
      dx.set(2, select(dx, 0, 2) * (1 + 1e-5));
      return dx;
    });
  }
};
struct NotANumber {
  static void write(auto& d) {
    d([](const Tensor& dy, Input<0> x) { return dy * log(-1 * square(x)); });
  }
};
struct ConstantGradient {  // right, but says that it does not depend on x
  static void write(auto& d) {
    d([](const Tensor& dy, Input<0> x) {
      const Pause pause;
      return 2 * (dy * x);
    });
  }
};
struct Stops {
  static void write(auto& d) { d(stop); }
};
struct NoRule {
  static void write(auto&) {}
};
struct AnotherShape {
  static void write(auto& d) {
    d([](const Tensor& dy) { return sum(dy); });
  }
};

Tensor four() { return tensor({-1.25, 0.5, 1.5, 2.75}, float64); }

TEST(Gradcheck, AcceptsARightRule) {
  EXPECT_TRUE(gradcheck(squared<Right>, {four()}));
  EXPECT_TRUE(gradgradcheck(squared<Right>, {four()}));
  EXPECT_TRUE(gradgradcheck(squared<Right>, {four()}, {.order = 3}));
}

TEST(Gradcheck, NamesTheWorstElementBothValuesAndTheError) {
  const GradcheckResult result = gradcheck(squared<HalfAsMuch>, {four()});
  EXPECT_FALSE(result);
  EXPECT_EQ(result.input, 0);
  ASSERT_EQ(result.index.size(), 1u);
  EXPECT_NEAR(result.error, 0.5, 1e-6);
  EXPECT_NEAR(result.backward / result.differences, 0.5, 1e-6);
  EXPECT_NE(result.text.find("of input 0, float64 [4], backward gives"), std::string::npos)
      << result;
}

TEST(Gradcheck, FindsEveryKindOfMistake) {
  EXPECT_FALSE(gradcheck(squared<ForgetsWhatArrives>, {four()}));
  EXPECT_FALSE(gradcheck(squared<Backwards>, {four()}));
  EXPECT_FALSE(gradcheck(squared<NotANumber>, {four()}));
  EXPECT_FALSE(gradcheck(squared<Stops>, {four()}));
}

TEST(Gradcheck, FindsASmallMistakeInOneElement) {
  const GradcheckResult result = gradcheck(squared<OneElementOff>, {four()});
  EXPECT_FALSE(result);
  EXPECT_EQ(result.index, std::vector<Index>{2});
  EXPECT_NEAR(result.error, 1e-5, 1e-7);
}

TEST(Gradcheck, FindsASecondInputThatIsWrong) {
  const auto f = [](const Tensor& a, const Tensor& b) { return a * squared<HalfAsMuch>(b); };
  const GradcheckResult result = gradcheck(f, {four(), four() + 1});
  EXPECT_FALSE(result);
  EXPECT_EQ(result.input, 1);
  EXPECT_TRUE(gradcheck(f, {four(), four() + 1}, {.constants = {1}}));
}

TEST(Gradgradcheck, FindsAGradientThatHidesWhatItDependsOn) {
  EXPECT_TRUE(gradcheck(squared<ConstantGradient>, {four()}));
  const GradcheckResult result = gradgradcheck(squared<ConstantGradient>, {four()});
  EXPECT_FALSE(result);
  EXPECT_EQ(result.order, 2);
  EXPECT_EQ(result.text.find("gradcheck: the derivative of order 2 is wrong; at element"), 0u)
      << result;
}

TEST(Gradcheck, AMissingRuleIsTheTapesError) {
  expect_error<GradientError>(
      "backward: squared has no derivative; it was operation 0 on this tape, on float64 [4]; give "
      "it one (see rules.h), or pause the tape around it",
      [] { (void)gradcheck(squared<NoRule>, {four()}); });
}

TEST(Gradcheck, AGradientOfAnotherShapeIsTheTapesError) {
  expect_error<ShapeError>(
      "backward: the rule of squared for input 0 gave a gradient float64 [], which is not the spec "
      "of that input",
      [] { (void)gradcheck(squared<AnotherShape>, {four()}); });
}

TEST(Gradcheck, RefusesFloat32AndSaysWhy) {
  expect_error<DtypeError>(
      "gradcheck: input 0 is float32 [4]; differences of float32 have three digits at best, so "
      "check in float64: to(x, float64)",
      [] { (void)gradcheck(squared<Right>, {to(four(), float32)}); });
  expect_error<DtypeError>(
      "gradcheck: the function returns float32 [4]; differences of float32 have three digits at "
      "best, so everything must be float64",
      [] { (void)gradcheck([](const Tensor& x) { return to(x, float32); }, {four()}); });
}

TEST(Gradcheck, RefusesAFunctionThatChangesItsMind) {
  expect_error<ValueError>(
      "gradcheck: the function gives different results for the same inputs; give its random "
      "numbers a seed (Random scope(seed) inside it), or switch dropout off with Training(false)",
      [] {
        Rng rng(1);
        (void)gradcheck([&](const Tensor& x) { return x * uniform({4}, {.dtype = float64}, rng); },
                        {four()});
      });
}

TEST(Gradcheck, SeesTheSameFunctionBothWaysWhereDropoutActs) {
  const auto dropped = [](const Tensor& x) {
    const Random seeded(1);
    return nn::dropout(x * x, 0.5);
  };
  EXPECT_TRUE(gradcheck(dropped, {four()}));
  const Random other_masks(2);  // at every call; of four numbers two may agree by chance
  EXPECT_THROW((void)gradcheck([](const Tensor& x) { return nn::dropout(x, 0.5); }, {four()}),
               ValueError);
  const Training off(false);
  EXPECT_TRUE(gradcheck([](const Tensor& x) { return nn::dropout(x, 0.5); }, {four()}));
}

TEST(Gradcheck, RefusesWhatLeavesNothingToCompare) {
  expect_error<ValueError>(
      "gradcheck: the function returns no float64 tensor; there is nothing to check",
      [] { (void)gradcheck([](const Tensor& x) { return argmax(x, 0); }, {four()}); });
  expect_error<IndexError>("gradcheck: .constants names input 3 of 1",
                           [] { (void)gradcheck(squared<Right>, {four()}, {.constants = {3}}); });
}

TEST(Gradcheck, RefusesAnotherNumberOfInputs) {
  expect_error<ValueError>("gradcheck: the function does not take 2 tensors", [] {
    (void)gradcheck(squared<Right>, {four(), four()});
  });
}

TEST(Gradcheck, TakesSeveralResultsAndConstantsOfOtherTypes) {
  struct Both {
    Tensor sum, product;
  };
  const auto f = [](const Tensor& a, const Tensor& b, const Tensor& n) {
    return Both{a + b, a * b * to(n, float64)};
  };
  EXPECT_TRUE(gradcheck(f, {four(), four() - 0.25, tensor({1, 2, 3, 4})}));
  const auto g = [](const Tensor& a) { return std::array<Tensor, 2>{exp(a), sin(a)}; };
  EXPECT_TRUE(gradgradcheck(g, {four()}));
}

TEST(Gradcheck, ReachesFarMoreThanItsToleranceOnSteepFunctions) {
  const Tensor x = tensor({0.01, 0.3, 5.0, 40.0}, float64);
  EXPECT_LT(gradcheck([](const Tensor& a) { return log(a); }, {x}, {.step = 1e-3}).error, 1e-7);
  EXPECT_LT(gradcheck([](const Tensor& a) { return tanh(10 * a); }, {x}).error, 1e-7);
}

TEST(Gradcheck, RefusesWhenNoInputIsAVariable) {
  const auto whole = [](const Tensor& x) { return x + 1; };
  EXPECT_ERROR(gradcheck(whole, {zeros({2}, int64)}), ValueError,
               "gradcheck: none of the 1 inputs is float64 and not a constant; there is nothing to "
               "check");
}

TEST(Gradcheck, OfNothingAgrees) { EXPECT_TRUE(gradcheck(squared<Right>, {zeros({0}, float64)})); }

TEST(Gradcheck, StandsBesideATapeThatRecords) {
  Tape tape;
  const Tensor x = tape.watch(four());
  EXPECT_TRUE(gradcheck(squared<Right>, {x}));
  EXPECT_EQ(tape.size(), 0u);
}

}  // namespace
}  // namespace rw
