// Steps of which it takes a second look to see that they keep rows of the batch apart: with lengths
// they run as well, and read nothing of the padding, which is NaN.
#include <gtest/gtest.h>

#include "autograd/engine/cell_cases.h"
#include "rewind/autograd/engine/run/row_schedule.h"
#include "rewind/nn/loss/cross_entropy.h"
#include "rewind/tensor/cumsum.h"
#include "support/elements.h"
#include "support/message_of.h"

namespace rw::test {
namespace {

using Const = const Tensors&;

Tensor next_of(Const x, Const s, Const w) {
  return tanh(matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2]);
}

// With weights for `next_of`, and others behind them.
void expect_to_keep_rows_apart(const char* name, std::initializer_list<Dims> others,
                               decltype(ScanCase::step) step) {
  Tensors all = kSimple;
  for (const Tensor& w : weights(others)) all.push_back(w);
  for (ScanCase c : every_way({name, {inputs(), states({H}), all, step}})) {
    expect_the_plain_loop(c, name);
    c.segments = 2;
    expect_the_plain_loop(c, name);
  }
}

TEST(Lengths, AllowToSetTheSameOfEveryRow) {
  expect_to_keep_rows_apart("column", {}, [](Const x, Const s, Const w) -> Results {
    Tensor h = next_of(x, s, w);
    h.set({kAll, 1}, sum(x[0], 1));
    return {one(h), one(h)};
  });
  expect_to_keep_rows_apart("columns", {}, [](Const x, Const s, Const w) -> Results {
    Tensor h = next_of(x, s, w);
    h.set({kAll, Range{0, kEnd, 2}}, 2 * slice(s[0], 1, 0, 3));
    return {one(h), one(h)};
  });
  expect_to_keep_rows_apart("among zeros", {}, [](Const x, Const s, Const w) -> Results {
    const Tensor h = next_of(x, s, w);
    Tensor wider = zeros({B, H + 1}, float64);
    wider.set({kAll, Range{1, kEnd}}, h);
    return {one(h), one(wider)};
  });
  expect_to_keep_rows_apart("behind a dropped axis", {}, [](Const x, Const s, Const w) -> Results {
    const Tensor h = next_of(x, s, w);
    Tensor both = stack({transpose(h), transpose(s[0])});
    both.set({0, Range{0, 2}}, transpose(slice(h, 1, 2, 4)));
    return {one(tanh(transpose(sum(both, 0)))), one(transpose(both[0]))};
  });
  expect_to_keep_rows_apart("several entries", {}, [](Const x, Const s, Const w) -> Results {
    const Tensor h = next_of(x, s, w);
    Tensor both = reshape(stack({h, s[0]}, 1), {2 * B, H});
    both.set({kAll, 0}, sum(both, 1));
    return {one(tanh(sum(reshape(both, {B, 2, H}), 1))), one(h)};
  });
}

TEST(Lengths, AllowWhatIsRepeatedForEveryRow) {
  expect_to_keep_rows_apart("set number", {}, [](Const x, Const s, Const w) -> Results {
    Tensor h = next_of(x, s, w);
    h.set({kAll, 1}, 0.5);
    return {one(h), one(h)};
  });
  expect_to_keep_rows_apart("set weight", {{2}}, [](Const x, Const s, Const w) -> Results {
    Tensor h = next_of(x, s, w);
    h.set({kAll, Range{0, 2}}, w[3]);
    return {one(h), one(h)};
  });
  expect_to_keep_rows_apart("joined weight", {{1}}, [](Const x, Const s, Const w) -> Results {
    const Tensor joined = concat({next_of(x, s, w), expand(w[3], {B, 1})});
    return {one(tanh(slice(joined, 1, 1, H + 1))), one(joined)};
  });
  expect_to_keep_rows_apart("shared mask", {}, [](Const x, Const s, Const w) -> Results {
    const Tensor h = next_of(x, s, w);
    const Tensor mask = expand(bernoulli({1, H}, {.p = 0.5, .dtype = float64}), {B, H});
    return {one(h * mask), one(concat({h, mask}))};
  });
}

TEST(Lengths, SortWhatWasCapturedForEachRow) {
  expect_to_keep_rows_apart("set", {{B}}, [](Const x, Const s, Const w) -> Results {
    Tensor h = next_of(x, s, w);
    h.set({kAll, 2}, w[3]);
    return {one(h), one(h)};
  });
  expect_to_keep_rows_apart("set into", {{B, H}}, [](Const x, Const s, Const w) -> Results {
    const Tensor h = next_of(x, s, w);
    Tensor changed = w[3];
    changed.set({kAll, 2}, sum(h, 1));
    return {one(h * changed), one(changed)};
  });
}

// What is the same at every step is 0, too, where a row has ended.
TEST(Lengths, AllowOutputsThatAreTheSameAtEveryStep) {
  const auto beside = [](auto output) {
    return [=](Const x, Const s, Const w) -> Results {
      const Tensor h = next_of(x, s, w);
      return {one(h), {h, output(w)}};
    };
  };
  expect_to_keep_rows_apart("captured", {{B, H}}, beside([](Const w) { return w[3]; }));
  expect_to_keep_rows_apart("computed", {{B, H}},
                            beside([](Const w) { return tanh(w[3]) * cumsum(w[3], 0); }));
  expect_to_keep_rows_apart("repeated", {{H}}, beside([](Const w) {
                              return expand(w[3], {B, H});
                            }));
  expect_to_keep_rows_apart("repeated number", {{B, 1}}, beside([](Const w) {
                              return expand(w[3], {B, H});
                            }));
  expect_to_keep_rows_apart("repeated and changed", {{H}}, beside([](Const w) {
                              return unsqueeze(2 * expand(w[3], {B, H}), 2);
                            }));
  expect_to_keep_rows_apart("counted", {},
                            beside([](Const) { return to(unsqueeze(arange(B), 1), float64); }));
  expect_to_keep_rows_apart("drawn", {{B, H}}, beside([](Const w) {
                              return w[3] * bernoulli({B, H}, {.p = 0.5, .dtype = float64});
                            }));
  expect_to_keep_rows_apart("ones", {}, beside([](Const) { return ones({B, 2}, float64); }));
  expect_to_keep_rows_apart("a weight", {}, beside([](Const w) { return slice(w[1], 0, 0, B); }));
}

TEST(Lengths, AllowNextStatesThatAreTheSameAtEveryStep) {
  const auto next = [](auto state) {
    return [=](Const x, Const s, Const w) -> Results {
      return {one(state(w)), one(next_of(x, s, w))};
    };
  };
  expect_to_keep_rows_apart("captured", {{B, H}}, next([](Const w) { return w[3]; }));
  expect_to_keep_rows_apart("computed", {{B, H}}, next([](Const w) { return tanh(w[3]); }));
  expect_to_keep_rows_apart("drawn", {{B, H}}, next([](Const w) {
                              return tanh(w[3] * bernoulli({B, H}, {.p = 0.5, .dtype = float64}));
                            }));
  expect_to_keep_rows_apart("repeated", {{H}}, next([](Const w) { return expand(w[3], {B, H}); }));
}

// Numbers that are drawn have rows where they are used for each; not for their mean.
TEST(Lengths, AreRefusedWhereWhatHasRowsIsReadWithoutThem) {
  const Tensor x = numbers({T, B, H}, 1), h = numbers({B, H}, 2), w = numbers({B, H}, 3);
  const ScanOptions<Tensor> with_lengths{.lengths = {1, 2, 4}};
  const auto refusal = [&](auto step) {
    loop(step, x, h, with_lengths);
    scan(step, x, h);
    return message_of([&] { scan(step, x, h, with_lengths); });
  };
  const auto mixes = [](const char* what) {
    return "scan: the step mixes rows of the batch, or seems to, " + std::string(what) +
           ", and with lengths they are not all there; if it keeps them apart, use loop or "
           "PlainLoops, or declare an operation of yours `rowwise`";
  };
  const auto drawn = [] { return bernoulli({B, H}, {.p = 0.5, .dtype = float64}); };
  EXPECT_EQ(refusal([&](const Tensor& x_t, const Tensor& h_t) {
              const Tensor d = drawn();
              return tanh(x_t + h_t) + (d - mean(d));
            }),
            mixes("mean{[0, 1], false} of float64 [3, 5]"));
  EXPECT_EQ(refusal([&](const Tensor& x_t, const Tensor& h_t) {
              const Tensor d = drawn();
              return std::pair(x_t + h_t, tanh(d) - max(d, 0));
            }),
            mixes("max{[0], false} of float64 [3, 5]"));
}

// Each of its operations could have put the rows along either axis.
TEST(Lengths, AreRefusedWithoutTryingAllWaysThroughALongChain) {
  const auto step = [](const Tensor& x, const Tensor& h) {
    Tensor drawn = bernoulli({B, B}, {.p = 0.5, .dtype = float64});
    drawn = softmax(softmax(drawn, 0), 1);
    for (int i = 0; i < 60; i++) drawn = tanh(drawn);
    return std::pair(h + x, drawn);
  };
  const Tensor x = numbers({T, B, H}, 1), h = numbers({B, H}, 2);
  EXPECT_THROW(scan(step, x, h, {.lengths = {1, 2, 4}}), ShapeError);
}

// What is kept for the rewind may have its rows side by side.
TEST(Lengths, AllowSecondDerivativesOfATransposedWeight) {
  const auto step = [](Const, Const s, Const w) -> Results {
    const Tensor p = matmul(matmul(s[0], transpose(w[0])), transpose(w[0]));
    return {{tanh(flip(p, {1})), 0.5 * p}, one(tanh(s[1]))};
  };
  const NamedCase named{"transposed", {inputs(), states({H, H}), weights({{H, H}}), step}};
  for (const ScanCase& c : every_way(named)) expect_the_plain_loop(c, named.name);
}

TEST(Lengths, AllowRulesThatAreOperationsOfTheirOwn) {
  expect_to_keep_rows_apart("product", {}, [](Const x, Const s, Const w) -> Results {
    const Tensor h = next_of(x, s, w);
    return {one(h), one(prod(h, 1, true))};
  });
  expect_to_keep_rows_apart("losses", {}, [](Const x, Const s, Const w) -> Results {
    const Tensor h = next_of(x, s, w);
    const Tensor losses = nn::cross_entropy(h, argmax(s[0], 1), {.reduction = nn::Reduction::none});
    return {one(h), one(unsqueeze(losses, 1))};
  });
}

TEST(Lengths, AreRefusedWhereARowIsSetOrAllAreMultiplied) {
  const auto refuses = [](const Lengths& lengths, auto change) {
    const auto step = [&](const Tensor& x, const Tensor& h) { return change(tanh(x + h)); };
    const Tensor xs = numbers({T, B, H}, 1), h0 = numbers({B, H}, 2);
    EXPECT_THROW(scan(step, xs, h0, {.lengths = lengths}), ShapeError);
  };
  refuses({1, 2, 4}, [](Tensor h) {
    h.set(1, 0.0);
    return h;
  });
  refuses({1, 2, 4}, [](Tensor h) {
    h.set({Range{0, 2}}, 0.0);
    return h;
  });
  refuses({1, 2, 4}, [](const Tensor& h) { return h * prod(h, 0); });
  refuses({1, 2, 4}, [](const Tensor& h) { return h * nn::cross_entropy(h, zeros({B}, int64)); });
}

// An operation of a user, in three acts: it counts the rows that each is given.
template <int order>
struct Counted {
  static constexpr std::string_view name = "counted";
  static constexpr bool rowwise = true;
  static inline Index rows = 0;
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    rows += x.dim(0);
    copy_elements(x, y);
  }
  static void derivative(Rules<Counted> d) {
    if constexpr (order < 2) {
      d([](const Tensor& dy, Input<0> x) { return apply(Counted<order + 1>{}, dy * cos(x)); });
    } else {
      d(stop);
    }
  }
};

// In the loop, and before and after it, where rows of all steps lie together.
TEST(Lengths, ComputeNoPadding) {
  const auto of_the_state = [](Const x, Const s, Const w) -> Results {
    const Tensor h = apply(Counted<0>{}, next_of(x, s, w));
    return {one(h), one(h)};
  };
  const auto of_the_input = [](Const x, Const s, Const w) -> Results {
    const Tensor h = next_of({apply(Counted<0>{}, x[0])}, s, w);
    return {one(h), one(h)};
  };
  for (const auto& step : {decltype(ScanCase::step)(of_the_state), {of_the_input}}) {
    for (const Lengths& lengths : {Lengths{3, 0, 4}, {1, 2, 1}, {0, 0, 4}, {0, 0, 0}}) {
      for (const bool reverse : {false, true}) {
        ScanCase c{inputs(), states({H}), kSimple, step, reverse, lengths};
        for (Tensor& x : c.xs) x = with_padding(x, lengths);
        const Index counting = lengths[0] + lengths[1] + lengths[2];
        Counted<0>::rows = Counted<1>::rows = 0;
        ScanRun run(c);
        EXPECT_EQ(Counted<0>::rows, counting);
        EXPECT_EQ(Counted<1>::rows, 0);
        run.gradients_of(run.loss, false);
        EXPECT_EQ(Counted<0>::rows, counting);
        EXPECT_EQ(Counted<1>::rows, counting);
      }
    }
  }
}

TEST(RowSchedule, RepeatsAValueAlongItsAxisOfRows) {
  const engine::RowSchedule rows(2, {1, 2, 0});
  const Tensor sorted = tensor({{1, 2}, {3, 4}, {5, 6}});
  const std::vector<double> expected{3, 4, 1, 2, 0, 0, 0, 0, 1, 2, 0, 0};
  EXPECT_EQ(elements(rows.repeated(sorted, 0)), expected);
  const Tensor columns = rows.repeated(transpose(sorted), 1);
  EXPECT_EQ(columns.shape(), (Dims{2, 2, 3}));
  EXPECT_EQ(elements(transpose(columns, 1, 2)), expected);
}

}  // namespace
}  // namespace rw::test
