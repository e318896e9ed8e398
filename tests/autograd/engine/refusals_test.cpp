// What a planned scan refuses, and how it says so: when the step is met for the first time, and
// when one like it is known.
#include <gtest/gtest.h>

#include "autograd/engine/cell_cases.h"
#include "rewind/autograd/note.h"
#include "rewind/autograd/stream.h"
#include "support/elements.h"

namespace rw::test {
namespace {

Tensor xs() { return numbers({T, B, H}, 1); }
Tensor h0() { return numbers({B, H}, 2); }

constexpr auto kRead =
    "item: only the shape of this float64 [] is known; values of a traced step cannot be read, in "
    "it or after it: return them, look at them with note, or use loop(...) or PlainLoops";

TEST(RefusesOfScan, AValueThatIsReadInAStep) {
  const auto reading = [](const Tensor& x, const Tensor& h) {
    const Tensor total = sum(x);
    return h + total * total.item();
  };
  EXPECT_ERROR(scan(reading, xs(), h0()), ValueError, kRead);
  const auto known = [](const Tensor& x, const Tensor& h) {
    const Tensor total = sum(x);
    return h + total * total;
  };
  scan(known, xs(), h0());
  EXPECT_ERROR(scan(reading, xs(), h0()), ValueError, kRead);
  EXPECT_ERROR(stream(reading, xs()[0], h0()).step(xs()[0]), ValueError, kRead);
  const auto spanning = [](const Tensor& x, const Tensor& h) {
    return h + sum(x) * contiguous(x).span<double>()[0];
  };
  EXPECT_ERROR(scan(spanning, xs(), h0()), ValueError,
               "span: only the shape of this float64 [3, 5] is known; values of a traced step "
               "cannot be read, in it or after it: return them, look at them with note, or use "
               "loop(...) or PlainLoops");
  EXPECT_EQ(loop(reading, xs(), h0()).final.shape(), h0().shape());
  const Notes listening;  // a loop, too
  EXPECT_EQ(scan(reading, xs(), h0()).final.shape(), h0().shape());
}

TEST(RefusesOfScan, AValueThatEscapedFromItsStep) {
  Tensor escaped;
  const auto step = [&](const Tensor& x, const Tensor& h) { return h + (escaped = tanh(x)); };
  for (int i = 0; i < 2; i++) {  // traced, then followed
    scan(step, xs(), h0());
    EXPECT_ERROR(escaped + 1, ValueError,
                 "data: only the shape of this float64 [3, 5] is known; values of a traced step "
                 "cannot be read, in it or after it: return them, look at them with note, or use "
                 "loop(...) or PlainLoops");
    const auto other = [&](const Tensor& x, const Tensor& h) { return h + x * escaped; };
    EXPECT_ERROR(scan(other, xs(), h0()), ValueError,
                 "scan: a float64 [3, 5] of another step is used, of which only the shape is "
                 "known; return it from its step, or look at it with note");
    EXPECT_ERROR(stream(other, xs()[0], h0()), ValueError,
                 "scan: a float64 [3, 5] of another step is used, of which only the shape is "
                 "known; return it from its step, or look at it with note");
  }
  Tape tape;
  const Tensor w = tape.watch(h0());
  EXPECT_THROW(w * escaped, ValueError);
}

// Wherever numbers are wanted right away.
TEST(RefusesOfScan, NumbersThatAreNotKnown) {
  Tensor escaped;
  const auto step = [](const Tensor& x, const Tensor& h) { return h + tanh(x); };
  scan([&](const Tensor& x, const Tensor& h) { return escaped = h + x; }, xs(), h0());
  const auto text = [](const char* what) {
    return fmt::format(
        "{}, is known: it is of a step that was traced; return it from there, or use loop(...) or "
        "PlainLoops",
        what);
  };
  EXPECT_ERROR(scan(step, unsqueeze(escaped, 0), h0()), ValueError,
               text("scan: only the shape of an input, float64 [1, 3, 5]").c_str());
  EXPECT_ERROR(scan(step, xs(), escaped), ValueError,
               text("scan: only the shape of a state, float64 [3, 5]").c_str());
  const std::string input = text("stream: only the shape of the input, float64 [3, 5]");
  const std::string state = text("stream: only the shape of the state, float64 [3, 5]");
  auto player = stream(step, xs()[0], h0());
  EXPECT_ERROR(player.step(escaped), ValueError, input.c_str());
  EXPECT_ERROR(player.run(unsqueeze(escaped, 0)), ValueError,
               text("stream: only the shape of the input, float64 [1, 3, 5]").c_str());
  EXPECT_ERROR(player.set_state(escaped), ValueError, state.c_str());
  EXPECT_ERROR(stream(step, xs()[0], escaped), ValueError, state.c_str());
  const auto streaming = [&](const Tensor& x, const Tensor& h) { return h + player.step(x); };
  EXPECT_ERROR(scan(streaming, xs(), h0()), ValueError, input.c_str());
  const auto making = [&](const Tensor& x, const Tensor& h) {
    return h + stream(step, x, h).step(x);
  };
  EXPECT_ERROR(scan(making, xs(), h0()), ValueError, state.c_str());
  Tape tape;
  const Tensor w = tape.watch(h0());
  const Tensor outputs = scan(step, xs(), w, {.segments = 2}).outputs;
  EXPECT_THROW(tape.backward({{outputs, Tensor::shape_only(outputs.spec())}}), ValueError);
}

TEST(RefusesOfScan, AStepThatMixesRowsWithLengths) {
  const ScanOptions<Tensor> with_lengths{.lengths = {1, 2, 4}};
  const auto text = [](const char* what) {
    return "scan: the step mixes rows of the batch, or seems to, " + std::string(what) +
           ", and with lengths they are not all there; if it keeps them apart, use loop or "
           "PlainLoops, or declare an operation of yours `rowwise`";
  };
  const auto centred = [](const Tensor& x, const Tensor& h) { return h + x - mean(h, 0, true); };
  EXPECT_ERROR(scan(centred, xs(), h0(), with_lengths), ShapeError,
               text("mean{[0], true} of float64 [3, 5]").c_str());
  const auto adding = [](const Tensor& x, const Tensor& h) { return tanh(h + x * sum(x * x)); };
  EXPECT_ERROR(scan(adding, xs(), h0(), with_lengths), ShapeError,
               text("sum{[0, 1], false} of float64 [3, 5]").c_str());
  const auto unknown = [](const Tensor& x, const Tensor& h) { return apply(Softsign{}, x + h); };
  EXPECT_ERROR(scan(unknown, xs(), h0(), with_lengths), ShapeError,
               text("softsign of float64 [3, 5]").c_str());
  Tape tape;
  const Tensor w = tape.watch(numbers({H, H}, 3));
  const auto masked = [&](const Tensor& x, const Tensor& h) {
    const Tensor mask = bernoulli({H, H}, {.p = 0.5, .dtype = float64});
    return tanh(x + matmul(h, matmul(w, mask)));
  };
  EXPECT_ERROR(scan(masked, xs(), h0(), with_lengths), ShapeError,
               text("a value kept for the rewind float64 [5, 5]").c_str());
  // Where all rows count at all steps they may look at each other, and a stream has no lengths.
  EXPECT_LE(largest_difference(scan(centred, xs(), h0(), {.lengths = {T, T, T}}).outputs,
                               loop(centred, xs(), h0()).outputs),
            1e-12);
  EXPECT_EQ(elements(stream(centred, xs()[0], h0()).run(xs())),
            elements(scan(centred, xs(), h0()).outputs));
}

TEST(RefusesOfScan, OutputsWithoutRowsWithLengths) {
  const auto refuses = [](auto step, const char* what) {
    const auto text = fmt::format(
        "scan: tensor 0 of the outputs that the step returns is {}, and with lengths, where it is "
        "0 for rows that have ended, it is [batch, ...] with batch 3; give it rows, with expand, "
        "say",
        what);
    // Also where no step is some rows' and not others'.
    for (const Lengths& lengths : {Lengths{1, 2, 4}, {2, 2, 2}, {0, 0, 0}}) {
      EXPECT_ERROR(scan(step, xs(), h0(), {.lengths = lengths}), ShapeError, text.c_str());
      EXPECT_ERROR(loop(step, xs(), h0(), {.lengths = lengths}), ShapeError, text.c_str());
    }
    scan(step, xs(), h0());
    scan(step, xs(), h0(), {.lengths = {T, T, T}});
  };
  const auto beside = [](auto output) {
    return [=](const Tensor& x, const Tensor& h) { return std::pair(h + x, output(h)); };
  };
  refuses(beside([](const Tensor& h) { return sum(h, 0); }), "float64 [5]");
  refuses(beside([](const Tensor& h) { return transpose(h); }), "float64 [5, 3]");
  refuses(beside([](const Tensor&) { return full({}, 2); }), "float32 []");
  const Tensor b = numbers({H}, 3), wide = numbers({1, H}, 3);
  refuses(beside([&](const Tensor&) { return b; }), "float64 [5]");
  refuses(beside([&](const Tensor&) { return wide; }), "float64 [1, 5]");
}

struct RowwiseSoftsign : Softsign {
  static constexpr std::string_view name = "rowwise_softsign";
  static constexpr bool rowwise = true;
  static void derivative(Rules<RowwiseSoftsign> d) {
    d([](const Tensor& dy, Input<0> x) { return dy / square(1 + abs(x)); });
  }
};

TEST(RefusesOfScan, NoOperationThatDeclaresToKeepRowsApart) {
  const NamedCase rowwise{
      "rowwise",
      {inputs(), states({H}), kSimple, [](const Tensors& x, const Tensors& s, const Tensors& w) {
         const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
         const Tensor h = apply(RowwiseSoftsign{}, z);
         return Results{one(h), one(h)};
       }}};
  for (const ScanCase& way : every_way(rowwise)) expect_the_plain_loop(way, rowwise.name);
}

TEST(RefusesOfScan, AStateThatChangesItsShapeOrDtype) {
  const auto grows = [](const Tensor& x, const Tensor& h) { return concat({h, x}); };
  const auto narrows = [](const Tensor& x, const Tensor& h) { return to(h + x, float32); };
  const auto drops = [](const Tensor&, const Tensors& s) { return Tensors{s[0]}; };
  for (int i = 0; i < 2; i++) {
    EXPECT_ERROR(scan(grows, xs(), h0()), ShapeError,
                 "scan: tensor 0 of the state that the step returns is float64 [3, 10], of the "
                 "state float64 [3, 5]; a state keeps its shape and dtype");
    EXPECT_ERROR(scan(narrows, xs(), h0()), ShapeError,
                 "scan: tensor 0 of the state that the step returns is float32 [3, 5], of the "
                 "state float64 [3, 5]; a state keeps its shape and dtype");
    EXPECT_ERROR(scan(drops, xs(), Tensors{h0(), h0()}), ShapeError,
                 "scan: the state that the step returns has 1 tensors, the state has 2; a state "
                 "keeps its tensors, and a vector in it its length");
    const auto known = [](const Tensor& x, const Tensor& h) { return h + x; };
    scan(known, xs(), h0());
  }
}

}  // namespace
}  // namespace rw::test
