// Steps that are odd but legal: values without numbers, rows that are columns, scans in a step,
// very many parts.
#include <gtest/gtest.h>

#include "autograd/engine/in_every_way.h"

namespace rw::test {
namespace {

TEST(OddSteps, ColumnsOfAProductMayOverlap) {
  const auto overlapping = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]);
    const Tensor a = slice(z, 1, 0, H), b = slice(z, 1, 2, 2 + H), c = slice(z, 1, H, 2 * H);
    return {one(tanh(a) * sigmoid(b) + tanh(c) * b), one(a * c)};
  };
  expect_the_plain_loop_in_every_way(
      {inputs(), states({H}), weights({{I, 2 * H}, {H, 2 * H}}), overlapping}, "overlapping");
  for (const Index shared : {0, 1, 2}) {
    const auto step = [=](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
      const Tensor z = matmul(x[0], w[0]);
      const Tensor a = slice(z, 1, 0, H) + matmul(s[0], w[1]);
      const Tensor h = tanh(a) * sigmoid(slice(z, 1, H - shared, 2 * H - shared));
      return {one(h), one(h)};
    };
    expect_the_plain_loop_in_every_way({inputs(), states({H}), weights({{I, 2 * H}, {H, H}}), step},
                                       "shared");
  }
}

TEST(OddSteps, AProductMayBeAddedOntoWhatIsReadElsewhere) {
  const auto step = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor z = matmul(x[0], w[0]);
    const Tensor a = slice(z, 1, 0, H) + matmul(s[0], w[1]);
    const Tensor b = slice(z, 1, H, 2 * H) + matmul(tanh(a), w[1]);
    return {one(tanh(a + b)), {a, sum(z, -1, true)}};
  };
  expect_the_plain_loop_in_every_way({inputs(), states({H}), weights({{I, 2 * H}, {H, H}}), step},
                                     "read elsewhere");
}

TEST(OddSteps, ValuesMayHaveNoNumbers) {
  const auto joined = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor none = slice(s[0], 1, 1, 1);
    const Tensor h = tanh(matmul(concat({x[0], none, s[0]}), w[0]) + w[1]);
    return {one(h), one(h)};
  };
  expect_the_plain_loop_in_every_way({inputs(), states({H}), weights({{I + H, H}, {H}}), joined},
                                     "part");
  const Tensors nothing{numbers({T, B, 0}, 1)};
  expect_the_plain_loop_in_every_way({nothing, states({H}), weights({{H, H}, {H}}), joined}, "x");
  const auto products = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor h = tanh(matmul(x[0], w[0]) + matmul(s[0], w[1]));
    return {one(h), one(h)};
  };
  expect_the_plain_loop_in_every_way({nothing, states({H}), weights({{0, H}, {H, H}}), products},
                                     "product");
  const auto beside = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor h = tanh(matmul(concat({x[0], s[0], s[1]}), w[0]) + w[1]);
    return {{h, tanh(s[1] * 2)}, one(h)};
  };
  expect_the_plain_loop_in_every_way({inputs(), states({H, 0}), weights({{I + H, H}, {H}}), beside},
                                     "state");
}

TEST(OddSteps, AColumnMayScaleWhatItIsOf) {
  const auto step = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor z = matmul(s[0], w[0]) + w[2];
    const Tensor h = tanh(z) * slice(z, 1, 0, 1) + matmul(x[0], w[1]);
    return {one(h), one(h)};
  };
  expect_the_plain_loop_in_every_way({inputs(), states({H}), weights({{H, H}, {I, H}, {H}}), step},
                                     "scaled");
}

// Repeated beside them, the one entry of a row is no entry of the rows of all steps.
TEST(OddSteps, ARowOfSeveralEntriesMayMeetOneOfASingleEntry) {
  const auto step = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor several = reshape(x[0], {I, 1}), single = x[0];
    const Tensor h = tanh(s[0] + sum(matmul(several * single, w[0]), 0, true));
    return {one(h), one(h)};
  };
  expect_the_plain_loop({{numbers({T, 1, I}, 1)}, {numbers({1, H}, 2)}, weights({{I, H}}), step},
                        "entries");
}

TEST(OddSteps, AColumnMayChoose) {
  const auto step = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]);
    const Tensor h = where(greater(slice(z, 1, 0, 1), 0), tanh(z), s[0] * 0.5);
    return {one(h), one(h)};
  };
  expect_the_plain_loop_in_every_way({inputs(), states({H}), weights({{I, H}, {H, H}}), step},
                                     "chosen");
}

// The loop needs the sum over the rows at every step, and so what it is added to stays there, too.
TEST(OddSteps, ASumOverRowsMayBeAPartOfAGradient) {
  const auto step = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]);
    const Tensor h = tanh(z - (sum(z * z, 0, true) + w[2])) + 0.5 * x[1] * w[2];
    return {one(h), one(h)};
  };
  for (const Dims& shape : {Dims{H}, Dims{1, H}}) {
    expect_the_plain_loop({{numbers({T, B, I}, 1), numbers({T, B, H}, 2)},
                           states({H}),
                           weights({{I, H}, {H, H}, shape}),
                           step},
                          "of a bias");
  }
}

// What fills a tensor may give the result its shape.
TEST(OddSteps, OneNumberMaySpreadAColumn) {
  const auto step = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor column = matmul(x[0], w[0]);
    const Tensor filled = full({B, H}, 0.5, float64) + column;
    return {one(tanh(s[0] + filled)), {filled, expand(column, {B, H}) * s[0]}};
  };
  expect_the_plain_loop_in_every_way({inputs(), states({H}), weights({{I, 1}}), step}, "filled");
}

// Features first: rows stand side by side.
TEST(OddSteps, RowsMayBeColumns) {
  const auto elman = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor z = matmul(w[0], transpose(s[0])) + matmul(w[1], transpose(x[0]));
    const Tensor h = transpose(tanh(z + reshape(w[2], {H, 1})));
    return {one(h), one(h)};
  };
  expect_the_plain_loop_in_every_way({inputs(), states({H}), weights({{H, H}, {H, I}, {H}}), elman},
                                     "elman");
  const auto scaled = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor z = matmul(w[0], transpose(s[0])) + w[2];
    const Tensor h = transpose(tanh(z) * slice(z, 0, 0, 1)) + matmul(x[0], w[1]);
    return {one(h), one(h)};
  };
  expect_the_plain_loop_in_every_way(
      {inputs(), states({H}), weights({{H, H}, {I, H}, {H, 1}}), scaled}, "scaled");
  const auto lstm = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor both = concat({transpose(x[0]), transpose(s[0])}, 0);
    const Tensor z = matmul(w[0], both) + w[1];
    const auto gate = [&](Index i) { return slice(z, 0, i * H, (i + 1) * H); };
    const Tensor c = sigmoid(gate(1)) * transpose(s[1]) + sigmoid(gate(0)) * tanh(gate(2));
    const Tensor h = sigmoid(gate(3)) * tanh(c);
    return {{transpose(h), transpose(c)}, one(transpose(h * 2))};
  };
  expect_the_plain_loop_in_every_way(
      {inputs(), states({H, H}), weights({{4 * H, I + H}, {4 * H, 1}}), lstm}, "lstm");
}

// The greatest is found again by the rewind, among sums that are made again.
TEST(OddSteps, TheGreatestIsFoundAgain) {
  const auto over_an_axis = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor sum = s[0] + matmul(x[0], w[0]);
    return {one(tanh(matmul(sum, w[1]) + max(sum + w[2], -1, true) - min(sum + w[2], -1, true))),
            one(sum)};
  };
  expect_the_plain_loop_in_every_way(
      {inputs(), states({H}), weights({{I, H}, {H, H}, {H}}), over_an_axis}, "over an axis");
  const auto of_two = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor sum = s[0] + matmul(x[0], w[0]);
    return {one(tanh(matmul(sum, w[1]) + maximum(sum + w[2], sum * w[2]))), one(sum)};
  };
  expect_the_plain_loop_in_every_way(
      {inputs(), states({H}), weights({{I, H}, {H, H}, {H}}), of_two}, "of two");
}

// The same where the gradient of the inputs alone is asked for: then all of the sum is made again.
TEST(OddSteps, TheGreatestOfWhatIsMadeAgainIsFoundAgain) {
  const Tensor w = numbers({H, H}, 1), b = numbers({H}, 2), h0 = numbers({B, H}, 3);
  const auto step = [&](const Tensor& x, const Tensor& h) {
    const Tensor sum = h + x;
    return tanh(matmul(sum, w) + max(sum + b, -1, true));
  };
  const auto gradient = [&](double seed) {
    Tape tape;
    const Tensor xs = tape.watch(numbers({T, B, H}, seed));
    return tape.backward(sum(scan(step, xs, h0).outputs))[xs];
  };
  for (int seed = 0; seed < 20; seed++) {
    const Tensor planned = gradient(seed);
    const PlainLoops plainly;
    EXPECT_LE(largest_difference(planned, gradient(seed)), 1e-12) << seed;
  }
}

// Whatever the inner step is made of, the outer one asks for its derivatives.
TEST(OddSteps, AScanMayStandInAStep) {
  const auto check = [](auto inner, const char* name) {
    const auto step = [inner](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
      const Tensor drive = matmul(x[0], w[0]);
      const auto result =
          scan([&](const Tensor& h) { return inner(h, drive, s[0], w[1]); }, 2, s[0]);
      return {one(tanh(drive + result.final)), one(result.outputs[0] * s[0])};
    };
    ScanCase c{inputs(), states({H}), weights({{I, H}, {H, H}}), step};
    for (const bool reverse : {false, true}) {
      c.reverse = reverse;
      expect_the_plain_loop(c, name);
    }
    c.segments = 2;
    expect_the_plain_loop(c, name);
  };
  using Const = const Tensor&;
  check([](Const h, Const, Const, Const) { return tanh(h); }, "of nothing else");
  check([](Const h, Const drive, Const, Const) { return tanh(h + drive); }, "added");
  check([](Const h, Const drive, Const, Const) { return tanh(h * drive); }, "multiplied");
  check([](Const h, Const, Const s, Const) { return tanh(h * s); }, "of the state");
  check([](Const h, Const drive, Const, Const w) { return tanh(matmul(h, w) + drive); }, "product");
}

// More than one element program numbers.
TEST(OddSteps, AJoinMayHaveVeryManyParts) {
  constexpr Index kParts = 600;
  const auto step = [](const Tensors&, const Tensors& s, const Tensors&) -> Results {
    Tensors parts;
    for (Index i = 0; i < kParts; i++) {
      const Index from = (i + 1) % kParts;
      parts.push_back(tanh(slice(s[0], 1, from, from + 1)));
    }
    const Tensor h = concat(parts);
    return {one(h), one(h)};
  };
  ScanCase c{{numbers({3, 2, 1}, 1)}, {numbers({2, kParts}, 2)}, {}, step};
  c.second = false;
  expect_the_plain_loop(c, "parts");
}

}  // namespace
}  // namespace rw::test
