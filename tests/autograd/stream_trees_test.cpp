// Streams of steps with other inputs and outputs than one tensor of one type.
#include <gtest/gtest.h>

#include <cmath>

#include "rewind/autograd/note.h"
#include "rewind/autograd/stream.h"
#include "rewind/nn/embedding.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/views.h"
#include "support/allocations.h"
#include "support/elements.h"

namespace rw::test {
namespace {

constexpr Index kTime = 5, kBatch = 2, kWide = 3, kWords = 7;

Tensor wave(const Dims& shape, double phase) {
  Tensor x = zeros(shape, float64);
  for (double& v : x.mutable_span<double>()) v = std::sin(phase += 1.3);
  return x;
}

Tensor words(const Dims& shape) {
  Tensor x = zeros(shape, int64);
  Index i = 2;
  for (Index& word : x.mutable_span<Index>()) word = (3 * i++) % kWords;
  return x;
}

const Tensor kH = wave({kBatch, kWide}, 6);

// Tokens to scores of the next one.
struct CharacterModel {
  Parameter table{wave({kWords, kWide}, 1)};
  Parameter u{wave({kWide, kWide}, 2)};
  Parameter head{wave({kWide, kWords}, 3)};

  auto step() const {
    return [this](const Tensor& tokens, const Tensor& h) {
      const Tensor next = tanh(nn::embedding(tokens, table) + matmul(h, u));
      return std::pair(next, matmul(next, head));
    };
  }
};

TEST(Stream, TakesTokensAndGivesNumbers) {
  CharacterModel model;
  auto player = stream(model.step(), zeros({kBatch}, int64), kH);
  const Tensor tokens = words({kTime, kBatch});
  std::vector<double> scores(kBatch * kWords);
  const auto expect_the_scan = [&] {
    player.set_state(kH);
    const auto whole = scan(model.step(), tokens, kH);
    for (Index t = 0; t < kTime; t++) {
      const Tensor now = contiguous(tokens[t]);
      player.step(now.span<Index>(), scores);
      EXPECT_EQ(scores, elements(whole.outputs[t]));
    }
    EXPECT_EQ(elements(player.state()), elements(whole.final));
    player.set_state(kH);
    std::vector<double> all(kTime * kBatch * kWords);
    player.run(tokens.span<Index>(), all);
    EXPECT_EQ(all, elements(whole.outputs));
    player.set_state(kH);
    EXPECT_EQ(elements(player.run(tokens)), elements(whole.outputs));
  };
  expect_the_scan();
  model.table.value().mutable_span<double>()[3] += 1;
  expect_the_scan();

  const std::vector<Index> in{4, 6};
  static_assert(noexcept(player.step(in, scores)));
  EXPECT_EQ(allocations_of([&] { player.step(in, scores); }), 0u);
  EXPECT_EQ(player.input_spec(), (Spec{{kBatch}, int64}));
  EXPECT_EQ(player.output_spec(), (Spec{{kBatch, kWords}, float64}));
}

TEST(StreamDeathTest, AWordThatIsNotInTheTableEndsTheProgram) {
  const CharacterModel model;
  auto player = stream(model.step(), zeros({kBatch}, int64), kH);
  std::vector<double> scores(kBatch * kWords);
  EXPECT_DEATH(player.step(std::vector<Index>{0, kWords}, scores), "take: .* 7");
  EXPECT_DEATH(player.step(std::vector<Index>{-1, 0}, scores), "take: .* -1");
}

struct Heard {
  Tensor token, level;
};
struct Said {
  Tensor h, scores;
  std::vector<Tensor> more;  // the token and the state that it was given
};
struct Memory {
  Tensor h, heard;
};

struct Speaker {
  CharacterModel model;
  Parameter w{wave({4, kWide}, 4)};

  auto step() const {
    return [this](const Heard& x, const Memory& s) {
      const Tensor seen = nn::embedding(x.token, model.table) + matmul(x.level, w);
      const Tensor h = tanh(seen + matmul(s.h, model.u));
      return std::pair(Memory{h, x.token}, Said{h, matmul(h, model.head), {x.token, s.h}});
    };
  }
};

const Memory kMemory{kH, zeros({kBatch}, int64)};
const Heard kHeard{words({kTime, kBatch}), wave({kTime, kBatch, 4}, 5)};
const Heard kExample{zeros({kBatch}, int64), zeros({kBatch, 4}, float64)};

std::vector<std::vector<double>> all_of(const Said& said) {
  std::vector<std::vector<double>> all;
  for (const Tensor& x : tensors_of(said)) all.push_back(elements(x));
  return all;
}

// Room for so many steps of what a speaker says.
struct Room {
  explicit Room(Index steps)
      : h(static_cast<std::size_t>(steps * kBatch * kWide)),
        scores(static_cast<std::size_t>(steps * kBatch * kWords)),
        token(static_cast<std::size_t>(steps * kBatch)),
        before(h) {}
  std::vector<std::vector<double>> all() const {
    return {h, scores, std::vector<double>(token.begin(), token.end()), before};
  }
  std::vector<double> h, scores;
  std::vector<Index> token;
  std::vector<double> before;
};

TEST(Stream, OfAStepWithSeveralInputsAndOutputs) {
  Speaker speaker;
  auto player = stream(speaker.step(), kExample, kMemory);
  const auto expect_the_scan = [&] {
    const auto whole = scan(speaker.step(), kHeard, kMemory);
    player.set_state(kMemory);
    for (Index t = 0; t < kTime; t++) {
      const Tensor token = contiguous(kHeard.token[t]), level = contiguous(kHeard.level[t]);
      Room room(1);
      player.step({token.span<Index>(), level.span<double>()},
                  {room.h, room.scores, room.token, room.before});
      const Said expected =
          map_tensors(whole.outputs, [&](const Tensor& x) { return contiguous(x[t]); });
      EXPECT_EQ(room.all(), all_of(expected));
    }
    EXPECT_EQ(elements(player.state().h), elements(whole.final.h));
    EXPECT_EQ(elements(player.state().heard), elements(whole.final.heard));

    player.set_state(kMemory);
    Room room(kTime);
    player.run({kHeard.token.span<Index>(), kHeard.level.span<double>()},
               {room.h, room.scores, room.token, room.before});
    EXPECT_EQ(room.all(), all_of(whole.outputs));

    player.set_state(kMemory);
    EXPECT_EQ(all_of(player.run(kHeard)), all_of(whole.outputs));
    player.set_state(kMemory);
    const Said first = player.step(Heard{kHeard.token[0], kHeard.level[0]});
    EXPECT_EQ(elements(first.scores), elements(whole.outputs.scores[0]));
  };
  expect_the_scan();
  speaker.model.table.value().mutable_span<double>()[0] += 1;
  speaker.w.value().mutable_span<double>()[0] += 1;
  expect_the_scan();
  const PlainLoops plainly;
  player.set_state(kMemory);
  const auto whole = loop(speaker.step(), kHeard, kMemory);
  EXPECT_EQ(all_of(player.run(kHeard)), all_of(whole.outputs));
}

TEST(Stream, OfSeveralInputsTakesNoMemoryForAStep) {
  const Speaker speaker;
  auto player = stream(speaker.step(), kExample, kMemory);
  const std::vector<Index> token(2 * kBatch, 3);
  const std::vector<double> level(2 * kBatch * 4, 0.5);
  Room room(2);
  const auto two = [&] {
    player.run({token, level}, {room.h, room.scores, room.token, room.before});
  };
  static_assert(noexcept(player.run({token, level}, {room.h})));
  EXPECT_EQ(allocations_of(two), 0u);
}

TEST(Stream, OfListsOfTensorsTakesListsOfSpans) {
  using Tensors = std::vector<Tensor>;
  const Tensor u = wave({kWide, kWide}, 2);
  const auto step = [&](const Tensors& x, const Tensors& s) {
    Tensors next;
    for (std::size_t i = 0; i < s.size(); i++) next.push_back(tanh(x[i] + matmul(s[i], u)));
    return std::pair(next, next);
  };
  const Tensors xs{wave({kTime, kBatch, kWide}, 8), wave({kTime, kBatch, kWide}, 9)};
  const Tensors initial{kH, wave({kBatch, kWide}, 7)};
  auto player = stream(step, Tensors{xs[0][0], xs[1][0]}, initial);
  const auto whole = scan(step, xs, initial);
  std::vector<std::vector<double>> room(2, std::vector<double>(kTime * kBatch * kWide));
  std::vector<StreamIn> in;
  std::vector<StreamOut> out;
  for (std::size_t i = 0; i < 2; i++) {
    in.emplace_back(xs[i].span<double>());
    out.emplace_back(room[i]);
  }
  player.run(in, out);
  for (std::size_t i = 0; i < 2; i++) EXPECT_EQ(room[i], elements(whole.outputs[i]));
  EXPECT_ERROR(player.step(Tensors{xs[0][0]}), ShapeError,
               "stream: the input has 1 tensors, that of a step 2; a vector differs in length");
}

TEST(Stream, OfAStepWithoutInputs) {
  const Parameter u(wave({kWide, kWide}, 2));
  const auto step = [&](const Tensor& h) { return tanh(matmul(h, u)); };
  const auto whole = scan(step, kTime, kH);
  auto player = stream(step, kH);
  EXPECT_TRUE(player.input_specs().empty());
  EXPECT_EQ(elements(player.step()), elements(whole.outputs[0]));
  EXPECT_EQ(elements(player.run(kTime - 1)), elements(slice(whole.outputs, 0, 1, kTime)));
  EXPECT_EQ(elements(player.state()), elements(whole.final));

  player.set_state(kH);
  std::vector<double> out(kTime * kBatch * kWide);
  player.step({}, {std::span(out).first(kBatch * kWide)});
  player.run({}, {std::span(out).subspan(kBatch * kWide)});
  EXPECT_EQ(std::vector(out.begin() + kBatch * kWide, out.end()),
            elements(slice(whole.outputs, 0, 1, kTime)));

  player.select(zeros({3}, int64));
  EXPECT_EQ(player.step().shape(), (Dims{3, kWide}));
  EXPECT_ERROR(player.run(-1), ShapeError, "stream: -1 steps; the number of steps is zero or more");
}

TEST(Stream, SelectsAndResetsRowsOfAStepWithSeveralInputs) {
  const Speaker speaker;
  auto player = stream(speaker.step(), kExample, kMemory);
  player.reset(ones({kBatch}, boolean), {zeros({kBatch, kWide}, float64), kMemory.heard});
  EXPECT_EQ(elements(player.state().h), std::vector<double>(kBatch * kWide, 0));
  player.set_state(kMemory);
  player.select(from_span(std::vector<Index>{1, 0, 1}, {3}));
  EXPECT_EQ(player.input_specs(), (std::vector<Spec>{{{3}, int64}, {{3, 4}, float64}}));
  const Tensor rows = from_span(std::vector<Index>{1, 0, 1}, {3});
  const auto of_rows = [&](const Tensor& x) { return take(x, rows); };
  const Heard heard{of_rows(kHeard.token[0]), of_rows(kHeard.level[0])};
  const Heard one{unsqueeze(heard.token, 0), unsqueeze(heard.level, 0)};
  const auto whole = scan(speaker.step(), one, map_tensors(kMemory, of_rows));
  EXPECT_EQ(all_of(player.step(heard)), all_of(whole.outputs));
}

TEST(Stream, IsPlainForSeveralInputsWhereSomebodyListens) {
  const Speaker speaker;
  auto player = stream(
      [&](const Heard& x, const Memory& s) {
        auto [next, said] = speaker.step()(x, s);
        note("next", next.h);
        return std::pair(next, said);
      },
      kExample, kMemory);
  const Heard now{contiguous(kHeard.token[0]), contiguous(kHeard.level[0])};
  const Notes notes;
  const Said said = player.step(now);
  ASSERT_EQ(notes["next"].size(), 1u);
  EXPECT_EQ(elements(notes["next"][0]), elements(said.h));
  EXPECT_EQ(elements(said.more[0]), elements(now.token));
}

// Features of which there are none, and outputs of which there are none.
TEST(Stream, OfEmptyTensorsGivesWhatItScans) {
  using Tensors = std::vector<Tensor>;
  const auto step = [](const Tensors& x, const Tensor& h) {
    return std::pair(tanh(concat({x[0], h}) + x[1]), Tensors{x[0]});
  };
  const Tensors xs{zeros({kTime, kBatch, 0}, float64), wave({kTime, kBatch, kWide}, 3)};
  auto player = stream(step, Tensors{xs[0][0], xs[1][0]}, kH);
  EXPECT_EQ(player.run(xs)[0].shape(), (Dims{kTime, kBatch, 0}));
  EXPECT_EQ(elements(player.state()), elements(scan(step, xs, kH).final));
  player.set_state(kH);
  player.run({std::vector<double>(), xs[1].span<double>()}, {std::vector<double>()});
  EXPECT_EQ(elements(player.state()), elements(scan(step, xs, kH).final));

  auto silent = stream(
      [](const Tensor& x, const Tensor& h) { return std::pair(tanh(x + h), Tensors()); }, kH, kH);
  silent.step({kH.span<double>()}, {});
  EXPECT_EQ(elements(silent.state()), elements(tanh(kH + kH)));
  EXPECT_ERROR(silent.output_spec(), ShapeError, "stream: the output of a step holds no tensor");
}

TEST(Stream, RefusesExamplesThatAreNoStep) {
  const Speaker speaker;
  EXPECT_ERROR(stream(speaker.step(), Heard{kExample.token, zeros({3, 4}, float64)}, kMemory),
               ShapeError,
               "stream: inputs int64 [2] and float64 [3, 4] of the example differ in batch");
  EXPECT_ERROR(stream(speaker.step(), Heard{kExample.token, {}}, kMemory), ValueError,
               "stream: tensor 1 of the example holds no tensor (default-constructed or moved "
               "from)");
  const auto on_list = [](const std::vector<Tensor>&, const Tensor& h) { return h + 1; };
  EXPECT_ERROR(
      stream(on_list, std::vector<Tensor>(), kH), ShapeError,
      "stream: the example holds no tensor; of a step without inputs, stream(step, state)");
}

TEST(Stream, RefusesTensorsThatAreNoStepOrBlock) {
  const Speaker speaker;
  auto player = stream(speaker.step(), kExample, kMemory);
  EXPECT_ERROR(player.step(Heard{kExample.token, zeros({kBatch, 4})}), DtypeError,
               "stream: a step's input 1 is float64 [2, 4], got float32 [2, 4]");
  EXPECT_ERROR(player.run(Heard{kHeard.token, to(kHeard.level, float32)}), DtypeError,
               "stream: a block of float32 [5, 2, 4] is given for float64 [2, 4]");
  EXPECT_ERROR(player.run(Heard{kHeard.token, kExample.level}), ShapeError,
               "stream: input 1 of a block is [time] and then float64 [2, 4], got float64 [2, 4]");
  EXPECT_ERROR(player.run(Heard{kHeard.token, slice(kHeard.level, 0, 1, kTime)}), ShapeError,
               "stream: inputs int64 [5, 2] and float64 [4, 2, 4] of a block differ in time");
  EXPECT_ERROR(player.step(Heard{kExample.token, {}}), ValueError,
               "stream: tensor 1 of the input holds no tensor (default-constructed or moved from)");
}

TEST(Stream, ChecksNumbersForThoseWhoAskFirst) {
  const Speaker speaker;
  auto player = stream(speaker.step(), kExample, kMemory);
  const std::vector<Index> token(2 * kBatch);
  const std::vector<double> level(2 * kBatch * 4);
  const std::span one_token = std::span(token).first(kBatch);
  const std::span one_level = std::span(level).first(kBatch * 4);
  Room one(1), two(2);
  player.check({one_token, one_level}, {one.h, one.scores, one.token, one.before});
  player.check({token, level}, {two.h, two.scores, two.token, two.before}, 2);
  EXPECT_ERROR(player.check({one_token}, {}), ShapeError,
               "stream: 1 span of numbers in, and a step has 2: int64 [2], float64 [2, 4]; give "
               "one for each tensor, in the order of the fields");
  EXPECT_ERROR(player.check({one_token, one_level}, {one.h, one.scores}), ShapeError,
               "stream: 2 spans of numbers out, and a step has 4: float64 [2, 3], float64 [2, 7], "
               "int64 [2], float64 [2, 3]; give one for each tensor, in the order of the fields");
  EXPECT_ERROR(player.check({one_level, one_token}, {}), DtypeError,
               "stream: in 0 holds float64, a step's is int64 [2]");
  EXPECT_ERROR(player.check({one_token, level}, {}), ShapeError,
               "stream: in 1 holds 16 numbers, a step of float64 [2, 4] has 8");
  EXPECT_ERROR(player.check({one_token, one_level}, {one.h, one.scores, one.token, two.before}),
               ShapeError, "stream: out 3 holds 12 numbers, a step of float64 [2, 3] has 6");
  EXPECT_ERROR(player.check({token, level}, {one.h, one.scores, one.token, one.before}, 2),
               ShapeError, "stream: out 0 holds 6 numbers, 2 steps of float64 [2, 3] have 12");
}

// With tensors a caller can be told; the state is then the one that there was.
TEST(Stream, ThrowsWhatItsStepThrows) {
  const Tensor table = wave({kWords, kWide}, 1), mix = wave({kWide, kWide}, 2);
  auto player = stream(
      [&](const Tensor& token, const Tensor& h) {
        return tanh(take(table, token) + softmax(matmul(h, mix), -1));
      },
      words({kBatch}), wave({kBatch, kWide}, 3));
  player.step(words({kBatch}));
  const std::vector<double> before = elements(player.state());
  const Tensor outside = full({kBatch}, kWords, int64);
  EXPECT_THROW((void)player.step(outside), IndexError);
  EXPECT_THROW((void)player.run(unsqueeze(outside, 0)), IndexError);
  EXPECT_EQ(elements(player.state()), before);
  player.step(words({kBatch}));
  EXPECT_NE(elements(player.state()), before);
}

TEST(StreamDeathTest, NumbersOfOtherTensorsThanAStepsEndTheProgram) {
  const Speaker speaker;
  auto player = stream(speaker.step(), kExample, kMemory);
  std::vector<Index> token(kBatch);
  std::vector<double> level(kBatch * 4);
  Room room(1);
  EXPECT_DEATH(player.step({token}, {room.h, room.scores, room.token, room.before}),
               "stream: 1 span of numbers in, and a step has 2");
  EXPECT_DEATH(player.step({token, level}, {room.h, room.scores, room.before, room.token}),
               "stream: out 2 holds float64, a step's is int64");
}

TEST(Stream, RefusesAStepThatReturnsOtherOutputsNow) {
  std::size_t count = 2;
  auto player =
      stream([&](const Tensor& x,
                 const Tensor& h) { return std::pair(tanh(x + h), std::vector<Tensor>(count, h)); },
             kH, kH);
  count = 1;
  const char* const text =
      "stream: the output of a step was float64 [2, 3], float64 [2, 3] and is float64 [2, 3] now; "
      "make a new stream";
  EXPECT_ERROR(player.refresh(), ShapeError, text);
  EXPECT_EQ(player.step(kH).size(), 2u);
  const PlainLoops plainly;
  EXPECT_ERROR(player.step(kH), ShapeError, text);
}

}  // namespace
}  // namespace rw::test
