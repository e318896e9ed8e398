// The gradients of gates lie over the gates: where they may, and only there.
#include <gtest/gtest.h>

#include "autograd/engine/cells.h"
#include "rewind/autograd/engine/scan_op.h"
#include "rewind/autograd/explain.h"

namespace rw::test {
namespace {

constexpr Index kHidden = 16;

struct Cell {
  Tensor w = numbers({I, 4 * kHidden}, 1), u = numbers({kHidden, 4 * kHidden}, 2);
  Tensor b = numbers({4 * kHidden}, 3);

  struct Gates {
    Tensor i, f, g, o;
  };
  Gates gates(const Tensor& x, const Tensor& h) const {
    const Tensor z = matmul(x, w) + matmul(h, u) + b;
    const auto gate = [&](Index k) { return slice(z, 1, k * kHidden, (k + 1) * kHidden); };
    return {sigmoid(gate(0)), sigmoid(gate(1)), tanh(gate(2)), sigmoid(gate(3))};
  }
  static Tensors next(const Gates& gates, const Tensor& c) {
    const Tensor later = gates.f * c + gates.i * gates.g;
    return {gates.o * tanh(later), later};
  }
};

struct Training {
  Tape tape;
  Tensor x = tape.watch(numbers({T, B, I}, 4));
  Cell cell;

  ScanResult<Tensors, Tensors> scan_it(bool with_gates) {
    const auto step = [this, with_gates](const Tensor& in, const Tensors& s) {
      const Cell::Gates gates = cell.gates(in, s[0]);
      Tensors outputs = Cell::next(gates, s[1]);
      const Tensors next = outputs;
      if (with_gates) outputs.insert(outputs.end(), {slice(gates.i, 1, 0, 3), gates.f});
      return std::pair(next, outputs);
    };
    return scan(step, x, Tensors{zeros({B, kHidden}, float64), zeros({B, kHidden}, float64)});
  }
};

Tensor gradient_of(Training& run, const Tensor& loss, const BackwardOptions& options = {}) {
  return run.tape.backward(loss, options)[run.x];
}

Tensor plain_gradient() {
  const PlainLoops plainly;
  Training run;
  return gradient_of(run, sum(square(run.scan_it(false).outputs[0])));
}

TEST(Overlays, AreFoundForTheGatesOfAnLstm) {
  Training run;
  const std::string text = explain([&] { (void)run.scan_it(false); });
  EXPECT_NE(text.find("if nobody else holds them"), std::string::npos) << text;
}

TEST(Overlays, GiveTheGradientsOfThePlainLoop) {
  const Tensor plain = plain_gradient();
  Training run;
  const Tensor dx = gradient_of(run, sum(square(run.scan_it(false).outputs[0])));
  EXPECT_LE(largest_difference(dx, plain), 1e-12);
}

TEST(Overlays, LeaveWhatIsKeptForAnotherRewind) {
  const Tensor plain = plain_gradient();
  Training run;
  const Tensor loss = sum(square(run.scan_it(false).outputs[0]));
  const Tensor first = gradient_of(run, loss, {.keep = true});
  const Tensor second = gradient_of(run, loss, {.keep = true});
  const Tensor last = gradient_of(run, loss);
  EXPECT_EQ(largest_difference(first, second), 0);
  EXPECT_EQ(largest_difference(first, last), 0);
  EXPECT_LE(largest_difference(first, plain), 1e-12);
}

// A gate, or a part of one, is a view of the rows that hold all gates.
TEST(Overlays, LeaveGatesThatTheCallerHolds) {
  Training run;
  const std::string text = explain([&] { (void)run.scan_it(true); });
  EXPECT_NE(text.find("if nobody else holds them"), std::string::npos) << text;
  const auto result = run.scan_it(true);
  Tensors before;
  for (const Tensor& y : result.outputs) before.push_back(y + 0.0);
  (void)gradient_of(run, sum(square(result.outputs[0])));
  for (std::size_t i = 0; i < before.size(); i++) {
    EXPECT_EQ(largest_difference(result.outputs[i], before[i]), 0) << i;
  }
}

// Written to twice, if the first gradient went over what the second one is made of.
TEST(Overlays, LeaveWhatSecondDerivativesRead) {
  const auto second = [] {
    Training run;
    const Tensor loss = sum(square(run.scan_it(false).outputs[0]));
    const Tensor dx = gradient_of(run, loss, {.record = true});
    return gradient_of(run, sum(square(dx)));
  };
  const Tensor planned = second();
  const PlainLoops plainly;
  EXPECT_LE(largest_difference(planned, second()), 1e-12);
}

// Anywhere else the rows would be written past what is held, or over other numbers.
TEST(Overlays, LieOverWhatFillsTheirRows) {
  const Tensor all = zeros({100}, float64);
  const auto fill = [&](const Dims& shape, const Strides& strides, std::array<Index, 2> first) {
    const Tensor a = all.view(shape, strides, first[0]), b = all.view(shape, strides, first[1]);
    return engine::fill_rows_of(6, {&a, &b});
  };
  EXPECT_TRUE(fill({2, 4, 3}, {24, 6, 1}, {0, 3}));
  EXPECT_TRUE(fill({1, 4, 3}, {99, 6, 1}, {0, 3}));
  EXPECT_TRUE(fill({2, 1, 3}, {6, 99, 1}, {0, 3}));
  EXPECT_TRUE(fill({2, 4, 1}, {24, 6, 99}, {0, 1}));
  EXPECT_FALSE(fill({2, 4, 3}, {0, 6, 1}, {0, 3}));
  EXPECT_FALSE(fill({2, 4, 3}, {24, 0, 1}, {0, 3}));
  EXPECT_FALSE(fill({2, 4, 3}, {24, 6, 0}, {0, 3}));
  EXPECT_FALSE(fill({2, 4, 3}, {24, 6, 1}, {3, 0}));
  EXPECT_FALSE(fill({2, 4, 3}, {24, 6, 1}, {0, 2}));
}

// a, whose gradient with respect to b is a itself: a gradient that is a gate.
struct Beside {
  static constexpr std::string_view name = "beside";
  static constexpr bool rowwise = true;
  Spec infer(const Spec& a, const Spec&) const { return a; }
  void run(const Tensor& a, const Tensor&, Tensor& y) const { copy_elements(a, y); }
  static void derivative(Rules<Beside> d) {
    d([](const Tensor& dy) { return dy; }, [](const Tensor&, Input<0> a) -> Tensor { return a; });
  }
};

Results with_a_gate_beside(const Tensor& b, const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]);
  const Tensor i = sigmoid(part(z, 0)), f = sigmoid(part(z, 1));
  const Tensor c = f * s[1] + i * tanh(part(z, 2)) + apply(Beside{}, i, b);
  const Tensor h = sigmoid(part(z, 3)) * tanh(c);
  return {{h, c}, one(h)};
}

TEST(Overlays, LeaveGatesThatAreGradients) {
  ScanCase c{inputs(), states({H, H}), weights({{I, 4 * H}, {H, 4 * H}, {B, H}}), {}};
  c.second = c.states = false;
  c.step = [](const Tensors& x, const Tensors& s, const Tensors& w) {
    return with_a_gate_beside(w[2], x, s, w);
  };
  expect_the_plain_loop(c, "of a captured tensor");

  c.weights.pop_back();
  c.xs.push_back(numbers({T, B, H}, 5));
  c.step = [](const Tensors& x, const Tensors& s, const Tensors& w) {
    return with_a_gate_beside(x[1], x, s, w);
  };
  expect_the_plain_loop(c, "of an input");

  c.xs.pop_back();
  c.initial.push_back(numbers({B, H}, 6));
  c.step = [](const Tensors& x, const Tensors& s, const Tensors& w) {
    Results all = with_a_gate_beside(s[2], x, s, w);
    all.first.push_back(all.second[0] * 2);
    return all;
  };
  expect_the_plain_loop(c, "of a state");
}

}  // namespace
}  // namespace rw::test
