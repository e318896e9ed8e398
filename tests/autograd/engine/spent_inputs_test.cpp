// The gradient of x lies over states that a scan kept: where it may, and only there.
#include "rewind/autograd/engine/run/spent_inputs.h"

#include <gtest/gtest.h>

#include "autograd/engine/cells.h"
#include "rewind/autograd/engine/plans.h"
#include "rewind/tensor/views.h"

namespace rw::test {
namespace {

constexpr Index kHidden = 16, kTime = 7;

struct Cell {
  Tensor w = numbers({kHidden, 4 * kHidden}, 1), u = numbers({kHidden, 4 * kHidden}, 2);
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

engine::PlanOptions two_steps_at_a_time() {
  engine::PlanOptions options;
  options.program.steps_at_a_time = 2;
  return options;
}

struct Training {
  const engine::PlanningWith scope{two_steps_at_a_time()};
  Tape tape;
  Tensor x = tape.watch(numbers({kTime, B, kHidden}, 4));
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

TEST(SpentInputs, GiveTheGradientsOfThePlainLoop) {
  const Tensor plain = plain_gradient();
  Training run;
  const Tensor dx = gradient_of(run, sum(square(run.scan_it(false).outputs[0])));
  EXPECT_LE(largest_difference(dx, plain), 1e-12);
}

TEST(SpentInputs, LeaveWhatIsKeptForAnotherRewind) {
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
TEST(SpentInputs, LeaveGatesThatTheCallerHolds) {
  Training run;
  const auto result = run.scan_it(true);
  Tensors before;
  for (const Tensor& y : result.outputs) before.push_back(y + 0.0);
  (void)gradient_of(run, sum(square(result.outputs[0])));
  for (std::size_t i = 0; i < before.size(); i++) {
    EXPECT_EQ(largest_difference(result.outputs[i], before[i]), 0) << i;
  }
}

// Written to twice, if the first gradient went over what the second one is made of.
TEST(SpentInputs, LeaveWhatSecondDerivativesRead) {
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

// Inputs of a backward scan by hand: two of the same size that are a step apart in one memory, as
// states are that steps begin with and leave, and one by itself.
struct GivenInputs {
  engine::Program program;
  Tensor all = zeros({4, 2, 3}, float64);
  engine::LoopInputs in{engine::RowSchedule(3, 2), true, {}, {}, {}, {}};

  GivenInputs() {
    for (int i = 0; i < 3; i++) program.step.inputs.push_back(program.step.graph.leaf(row()));
    program.stacks.resize(3);
    in.inputs = {states_from(0), states_from(1), zeros({3, 2, 3}, float64)};
    in.given = {true, true, true};
  }
  static Spec row() { return {{2, 3}, float64}; }
  static Spec rows() { return {{6, 3}, float64}; }
  Tensor states_from(Index t) const { return all.view({3, 2, 3}, {6, 3, 1}, 6 * t); }
  // The inputs that outputs get, in order.
  std::vector<int> taken() {
    all = Tensor();
    engine::SpentInputs spent(program, in);
    std::vector<int> result;
    while (true) {
      const Tensor memory = spent.take(rows());
      if (!memory.defined()) return result;
      for (int i = 0; i < 3; i++) {
        const Tensor& x = in.inputs[static_cast<std::size_t>(i)];
        if (memory.data<double>() == x.data<double>()) result.push_back(i);
      }
    }
  }
};

TEST(SpentInputs, AreThoseThatTheNextStretchDoesNotRead) {
  GivenInputs backward;
  EXPECT_EQ(backward.taken(), (std::vector{1, 2}));
  GivenInputs forward;
  forward.in.reverse = false;
  EXPECT_EQ(forward.taken(), (std::vector{0, 2}));
}

TEST(SpentInputs, AreHeldByNobodyElse) {
  GivenInputs one;
  const Tensor held = one.in.inputs[2];
  EXPECT_EQ(one.taken(), (std::vector{1}));
  GivenInputs other;
  const Tensor part = other.in.inputs[0][0];
  EXPECT_EQ(other.taken(), (std::vector{2}));
}

TEST(SpentInputs, WereAllGivenAway) {
  GivenInputs none;
  none.in.given = {};
  EXPECT_EQ(none.taken(), std::vector<int>{});
  GivenInputs one;
  one.in.given = {false, true, true};
  EXPECT_EQ(one.taken(), (std::vector{2}));
}

// Nor share memory with one that is.
TEST(SpentInputs, AreNoOutputsThemselves) {
  GivenInputs an_output;
  an_output.program.step.outputs = {an_output.program.step.inputs[2]};
  EXPECT_EQ(an_output.taken(), (std::vector{1}));
  GivenInputs beside;
  beside.program.step.outputs = {beside.program.step.inputs[0]};
  EXPECT_EQ(beside.taken(), (std::vector{2}));
}

TEST(SpentInputs, GoThroughTimeAsOthersInTheirMemory) {
  GivenInputs twice;
  twice.in.inputs[0] = twice.all.view({3, 2, 3}, {0, 3, 1}, 6);
  EXPECT_EQ(twice.taken(), (std::vector{2}));
}

TEST(SpentInputs, FitInSizeAndDtypeAndHaveAllRows) {
  GivenInputs other;
  other.all = Tensor();
  engine::SpentInputs spent(other.program, other.in);
  EXPECT_FALSE(spent.take({{6, 3}, float32}).defined());
  EXPECT_FALSE(spent.take({{6, 2}, float64}).defined());
  GivenInputs strided;
  strided.in.inputs[2] = transpose(zeros({3, 3, 2}, float64));
  EXPECT_EQ(strided.taken(), (std::vector{1}));
  GivenInputs lengths;
  lengths.in.rows = engine::RowSchedule(3, {3, 1});
  EXPECT_EQ(lengths.taken(), std::vector<int>{});
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

TEST(SpentInputs, LeaveGatesThatAreGradients) {
  const engine::PlanningWith scope(two_steps_at_a_time());
  ScanCase c{
      {numbers({kTime, B, H}, 1)}, states({H, H}), weights({{H, 4 * H}, {H, 4 * H}, {B, H}}), {}};
  c.second = c.states = false;
  c.step = [](const Tensors& x, const Tensors& s, const Tensors& w) {
    return with_a_gate_beside(w[2], x, s, w);
  };
  expect_the_plain_loop(c, "of a captured tensor");

  c.weights.pop_back();
  c.xs.push_back(numbers({kTime, B, H}, 5));
  c.step = [](const Tensors& x, const Tensors& s, const Tensors& w) {
    return with_a_gate_beside(x[1], x, s, w);
  };
  expect_the_plain_loop(c, "of an input");

  // Of a state that the step began with: what is kept of it lies a step before what it leaves.
  c.step = [](const Tensors& x, const Tensors& s, const Tensors& w) {
    const Tensor h = tanh(matmul(x[0], part(w[0], 0)) + matmul(s[0], part(w[1], 0)));
    return Results{{h + apply(Beside{}, s[0], x[1]), s[1]}, one(h)};
  };
  expect_the_plain_loop(c, "that is a state");

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
