// Scans in segments, beside plain loops and beside themselves in one piece.
#include <gtest/gtest.h>

#include "autograd/engine/cell_cases.h"
#include "rewind/autograd/gradcheck.h"
#include "rewind/autograd/rules.h"
#include "support/elements.h"
#include "support/message_of.h"

namespace rw::test {
namespace {

// Some rows end before the others, and the last step is nobody's.
const Lengths kLengths{3, 0, 2};

std::vector<NamedCase> cells() {
  return cells_named({"elman", "lstm", "gru after", "minimal gated", "context", "head", "dropped"});
}

TEST(Segments, AreThePlainLoop) {
  for (const NamedCase& cell : cells()) {
    for (const Index segments : {1, 2, 3, 4, 9}) {
      SCOPED_TRACE(segments);
      for (ScanCase c : every_way(cell, kLengths)) {
        c.segments = segments;
        expect_the_plain_loop(c, cell.name);
      }
    }
  }
}

struct Counted {  // that counts how often it runs
  static constexpr std::string_view name = "counted";
  static constexpr bool rowwise = true;
  static inline int runs = 0;
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    runs++;
    y = x;
  }
  static void derivative(Rules<Counted> d) {
    d([](const Tensor& dy) { return dy; });
  }
};

TEST(Segments, ComputeEachStepOnceMore) {
  constexpr Index kLong = 12;
  const Tensor w = numbers({H, H}, 3);
  const auto step = [&](const Tensor& x, const Tensor& h) {
    return tanh(matmul(apply(Counted{}, h), w) + x);
  };
  const Threads scope(1);
  for (const Index segments : {Index{1}, Index{3}, kLong}) {
    SCOPED_TRACE(segments);
    Tape tape;
    const Tensor x = tape.watch(numbers({kLong, B, H}, 1));
    Counted::runs = 0;
    const Tensor loss = sum(scan(step, x, numbers({B, H}, 2), {.segments = segments}).outputs);
    EXPECT_EQ(Counted::runs, kLong);
    tape.backward(loss);
    EXPECT_EQ(Counted::runs, 2 * kLong);
  }
}

// Of a rewind only sums over time are added up in another order.
TEST(Segments, GiveTheBitsOfOnePiece) {
  for (const NamedCase& cell : cells()) {
    SCOPED_TRACE(cell.name);
    for (ScanCase c : every_way(cell, kLengths)) {
      c.second = false;
      const Tensors whole = all_of(c);
      c.segments = 3;
      const Tensors parts = all_of(c);
      const std::size_t per_row = ScanRun(c).values.size() + c.xs.size() + c.initial.size();
      for (std::size_t i = 0; i < per_row; i++) {
        EXPECT_EQ(elements(parts[i]), elements(whole[i])) << "value " << i;
      }
    }
  }
}

TEST(Segments, MayBeRewoundAgain) {
  ScanCase in_three = cell_named("lstm");
  in_three.segments = 3;
  ScanRun run(in_three);
  const Gradients once = run.tape.backward(run.loss, {.keep = true});
  const Gradients twice = run.tape.backward(run.loss);
  for (const Tensor& x : run.leaves) EXPECT_EQ(elements(once[x]), elements(twice[x]));
}

TEST(Segments, HaveTheDerivativesOfDifferences) {
  const auto f = [](const std::vector<Tensor>& in) {
    const auto step = [&](const Tensor& x, const Tensor& h) {
      return tanh(matmul(x, in[2]) + matmul(h, in[3]));
    };
    const auto result =
        scan(step, in[0], in[1], {.lengths = {3, 0, 4}, .states = true, .segments = 2});
    return Tensors{result.outputs, result.final, result.states};
  };
  const Tensors at{numbers({T, B, I}, 1), numbers({B, H}, 2), numbers({I, H}, 3),
                   numbers({H, H}, 4)};
  EXPECT_TRUE(gradcheck(f, at));
  EXPECT_TRUE(gradgradcheck(f, at));
}

TEST(Segments, MayBeAskedForSomeGradientsAlone) {
  ScanCase in_three = cell_named("lstm");
  in_three.segments = 3;
  ScanRun run(in_three);
  const Gradients all = run.tape.backward(run.loss, {.keep = true});
  for (const Tensor& x : run.leaves) {
    const Gradients one = run.tape.backward(run.loss, {.keep = true, .wrt = {x}});
    EXPECT_EQ(elements(one[x]), elements(all[x]));
    EXPECT_EQ(one.entries().size(), 1u);
  }
}

TEST(Segments, OfAScanInsideAStep) {
  const Tensor w = numbers({H, H}, 8), xs = numbers({T, B, H}, 3);
  const auto gradients = [&](Index segments) {
    Tape tape;
    const Tensor weight = tape.watch(w), input = tape.watch(xs);
    const auto inner = [&](const Tensor& h) { return tanh(matmul(h, weight)); };
    const auto outer = [&](const Tensor& x, const Tensor& h) {
      return scan(inner, 5, x + h, {.segments = segments}).final;
    };
    const Gradients found = tape.backward(sum(square(scan(outer, input, xs[0]).outputs)));
    return Tensors{found[weight], found[input]};
  };
  const Tensors whole = gradients(0), parts = gradients(2);
  for (std::size_t i = 0; i < whole.size(); i++) {
    EXPECT_LE(largest_difference(parts[i], whole[i]), 1e-12) << i;
  }
}

TEST(Segments, MustBeZeroOrMore) {
  const Tensor h = ones({B, H});
  const auto step = [](const Tensor& s) { return s * 0.5; };
  const char* const message = "scan: -2 segments; 0 keeps everything, 1 or more are computed again";
  EXPECT_EQ(message_of<ValueError>([&] { scan(step, 3, h, {.segments = -2}); }), message);
  EXPECT_EQ(message_of<ValueError>([&] { loop(step, 3, h, {.segments = -2}); }), message);
  EXPECT_EQ(message_of<ValueError>([&] { scan(step, 0, h, {.segments = -2}); }), message);
}

}  // namespace
}  // namespace rw::test
