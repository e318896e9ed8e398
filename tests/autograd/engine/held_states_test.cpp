// States that steps return as they took them: planned as if the step had captured them, and
// otherwise as the plain loop has them.
#include <gtest/gtest.h>

#include "autograd/engine/plans_of.h"
#include "autograd/engine/shared_rows.h"
#include "rewind/autograd/explain.h"
#include "rewind/autograd/stream.h"
#include "support/elements.h"

namespace rw::test {
namespace {

// A context of each row, from which a bias is made.
Results with_context(const Tensors& x, const Tensors& s, const Tensors& w) {
  const Tensor h = tanh(matmul(concat({x[0], s[0], s[1]}), w[0]) + w[1]);
  return {{h, s[1]}, one(h)};
}

ScanCase context_case() {
  ScanCase c{inputs(), states({H, K}), weights({{I + H + K, H}, {H}}), with_context};
  c.states = false;
  return c;
}

TEST(HeldStates, AreThePlainLoop) {
  for (const ScanCase& way : every_way({"context", context_case()})) {
    expect_the_plain_loop(way, "context");
    ScanCase other = way;
    other.states = true;
    expect_the_plain_loop(other, "context, with all states");
    other = way;
    other.segments = 2;
    expect_the_plain_loop(other, "context in segments");
    if (!way.reset.defined()) expect_the_terms_of_the_plain_loop(way, "context");
  }
}

TEST(HeldStates, AreMultipliedOnceBeforeTheLoop) {
  const ScanCase c = context_case();
  const auto step = [&](const Tensors& x, const Tensors& s) { return c.step(x, s, c.weights); };
  const std::string text = explain(step, c.xs, c.initial);
  EXPECT_NE(text.find("  carried          h [3, 5]\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  on the tape before the loop, once\n"), std::string::npos) << text;

  engine::PlanOptions options;
  options.hold = false;
  const engine::PlanningWith scope(options);
  EXPECT_NE(explain(step, c.xs, c.initial).find("  carried          h0 [3, 5], h1 [3, 4]\n"),
            std::string::npos);
}

// One that adds to what is there moves no work, and one that is an output is not the same at every
// step, since it is zero where the row has ended.
TEST(HeldStates, GoRoundWhereThatIsNoWorse) {
  const auto carried = [](const auto& step, const Tensors& initial) {
    const std::string text = explain(step, inputs()[0], initial);
    const std::size_t from = text.find("carried"), end = text.find('\n', from);
    return text.substr(from, end - from);
  };
  const auto added = [](const Tensor& x, const Tensors& s) {
    return Tensors{tanh(s[0] + s[1]) * sum(x, 1, true), s[1]};
  };
  EXPECT_EQ(carried(added, states({H, H})), "carried          h0 [3, 5], h1 [3, 5]");
  const Tensor w = numbers({H, H}, 3);
  const auto given = [&](const Tensor& x, const Tensors& s) {
    const Tensor h = tanh(s[0] + matmul(s[1], w)) * sum(x, 1, true);
    return std::pair(Tensors{h, s[1]}, Tensors{s[1]});
  };
  EXPECT_EQ(carried(given, states({H, H})), "carried          h0 [3, 5], h1 [3, 5]");
  const auto read_and_given = [&](const Tensor& x, const Tensors& s) {
    const Tensor h = tanh(s[0] * s[1] + matmul(s[1], w)) * sum(x, 1, true);
    return std::pair(Tensors{h, s[1]}, Tensors{s[1]});
  };
  EXPECT_EQ(carried(read_and_given, states({H, H})), "carried          h0 [3, 5], h1 [3, 5]");
  const auto alone = [&](const Tensor&, const Tensors& s) {
    return std::pair(s, Tensors{matmul(s[0], w)});
  };
  EXPECT_EQ(carried(alone, states({H})), "carried          h [3, 5]");
}

// Where rows are sorted it counts for more that those of a state are known.
TEST(HeldStates, GoRoundWithLengths) {
  const ScanCase c = context_case();
  const auto carried = [&](const Lengths& lengths) {
    const std::string text = explain([&] {
      const auto step = [&](const Tensors& x, const Tensors& s) { return c.step(x, s, c.weights); };
      (void)scan(step, c.xs, c.initial, {.lengths = lengths});
    });
    const std::size_t from = text.find("carried"), end = text.find('\n', from);
    return text.substr(from, end - from);
  };
  EXPECT_EQ(carried({}), "carried          h [3, 5]");
  EXPECT_EQ(carried({3, 1, 2}), "carried          h0 [3, 5], h1 [3, 4]");
}

// Each worker adds up the gradients of the context of its rows.
TEST(HeldStates, OfManyRowsAreSharedByWorkers) {
  constexpr Index kRows = 35, kWide = 192;
  ScanCase c{{numbers({T, kRows, I}, 1)},
             {numbers({kRows, kWide}, 2), numbers({kRows, K}, 3)},
             weights({{I + kWide + K, kWide}, {kWide}}),
             with_context};
  c.states = false;
  c.second = false;
  const auto step = [&](const Tensors& x, const Tensors& s) { return c.step(x, s, c.weights); };
  {
    const Threads two(2);
    const std::string text = explain(step, c.xs, c.initial);
    std::size_t from = text.find("added up");
    EXPECT_LE(steps_to_share(text, 18, 2, from), T) << text;
  }
  for (const bool with_lengths : {false, true}) {
    for (Index row = 0; with_lengths && row < kRows; row++) c.lengths.push_back(row % (T + 1));
    c.threads = 3;
    expect_the_plain_loop(c, "context");
    const auto with = [&](int threads) {
      const Threads scope(threads);
      return all_of(c);
    };
    const Tensors one = with(1);
    for (const int threads : {2, 3, 4}) {
      const Tensors several = with(threads);
      for (std::size_t i = 0; i < one.size(); i++) {
        EXPECT_EQ(elements(several[i]), elements(one[i])) << threads << ", value " << i;
      }
    }
  }
}

TEST(HeldStates, OfAStreamFollowItsState) {
  const ScanCase c = context_case();
  const auto step = [&](const Tensor& x, const Tensors& s) {
    auto [next, outputs] = c.step({x}, s, c.weights);
    return std::pair(std::move(next), outputs[0]);
  };
  const Tensor xs = c.xs[0];
  const auto expect = [&](auto& player, const Tensors& from) {
    const auto expected = scan(step, xs, from);
    EXPECT_EQ(elements(player.run(xs)), elements(expected.outputs));
    for (const std::size_t k : {0u, 1u}) {
      EXPECT_EQ(elements(player.state()[k]), elements(expected.final[k]));
    }
  };
  auto player = stream(step, xs[0], c.initial);
  expect(player, c.initial);

  const Tensors other{numbers({B, H}, 31), numbers({B, K}, 32)};
  player.set_state(other);
  expect(player, other);
  player.refresh();
  expect(player, player.state());

  Tensor mask = zeros({B}, boolean);
  mask.set({1}, true);
  const Tensors before = player.state();
  player.reset(mask, c.initial);
  Tensors reset = before;
  for (const std::size_t k : {0u, 1u}) reset[k].set({1}, c.initial[k][1]);
  expect(player, reset);
}

TEST(HeldStates, OfAStreamAreOfTheRowsThatWereSelected) {
  const ScanCase c = context_case();
  const auto step = [&](const Tensor& x, const Tensors& s) {
    auto [next, outputs] = c.step({x}, s, c.weights);
    return std::pair(std::move(next), outputs[0]);
  };
  auto player = stream(step, c.xs[0][0], c.initial);
  const Tensor rows = from_span(std::vector<Index>{2, 0}, {2});
  player.select(rows);
  const Tensor xs = take(transpose(c.xs[0], 0, 1), rows);
  const Tensors from{take(c.initial[0], rows), take(c.initial[1], rows)};
  EXPECT_EQ(elements(player.run(contiguous(transpose(xs, 0, 1)))),
            elements(scan(step, contiguous(transpose(xs, 0, 1)), from).outputs));
}

TEST(HeldStates, OfAStreamWithoutRowsMayBeThere) {
  const auto step = [](const Tensor& x, const Tensors& s) -> Tensors {
    const Tensor same = expand(full({K}, 0.1, float64), {x.dim(0), K});
    const Tensor z = slice(softmax(concat({s[0], same}), 1), 1, 0, H);
    return {tanh(z + tanh(s[1] * 2.0)), s[1]};
  };
  auto player = stream(step, inputs()[0][0], states({H, H}));
  player.select(zeros({0}, int64));
  EXPECT_EQ(player.state()[0].shape(), (Dims{0, H}));
}

// What is watched outside of the stream is not recorded by it.
TEST(HeldStates, OfAStreamStandOnNoTape) {
  const ScanCase c = context_case();
  const auto step = [&](const Tensor& x, const Tensors& s) {
    auto [next, outputs] = c.step({x}, s, c.weights);
    return std::pair(std::move(next), outputs[0]);
  };
  Tape tape;
  Tensors initial = c.initial;
  for (Tensor& x : initial) tape.watch(x);
  auto player = stream(step, c.xs[0][0], initial);
  for (const Tensor& x : player.state()) EXPECT_FALSE(tape.holds(x.mark()));
}

}  // namespace
}  // namespace rw::test
