// A recurrent layer one time step at a time gives the bits that it gives over a sequence.
#include <gtest/gtest.h>

#include <thread>

#include "nn/recurrent_kinds.h"
#include "rewind/autograd/stream.h"
#include "rewind/nn/embedding.h"
#include "rewind/optim/sgd.h"
#include "support/allocations.h"
#include "support/locks.h"

namespace rw::test {
namespace {

constexpr Index kLong = 40, kWide = 24;

template <class Kind>
auto single_precision() {
  auto layer = recurrent<Kind>({.hidden = kWide, .layers = 2});
  nn::to(layer, float32);
  return layer;
}

Tensor input(Index batch) { return cast(wave({kLong, batch, kInput}), float32); }

// Plays [from, to) step by step through spans.
template <class Player>
std::vector<double> played(Player& player, const Tensor& x, Index from, Index to) {
  std::vector<double> all;
  std::vector<float> y(static_cast<std::size_t>(player.output_spec().shape.count()));
  for (Index t = from; t < to; t++) {
    const Tensor in = contiguous(x[t]);
    player.step(in.span<float>(), y);
    all.insert(all.end(), y.begin(), y.end());
  }
  return all;
}

template <class Kind>
class RecurrentStream : public testing::Test {};
TYPED_TEST_SUITE(RecurrentStream, Kinds, KindNames);

TYPED_TEST(RecurrentStream, GivesTheBitsOfTheSequenceInStepsAndInBlocks) {
  const auto layer = single_precision<TypeParam>();
  for (Index batch : {1, 3}) {
    const Tensor x = input(batch);
    const auto whole = layer(x);
    auto steps = layer.stream(batch);
    EXPECT_EQ(played(steps, x, 0, kLong), elements(whole.outputs));
    expect_same_bits(tensors_of(steps.state()), tensors_of(whole.final));

    auto mixed = layer.stream(batch);
    const Tensor first = mixed.run(slice(x, 0, 0, 7));
    std::vector<double> all = elements(first);
    for (double y : played(mixed, x, 7, 9)) all.push_back(y);
    for (double y : elements(mixed.run(slice(x, 0, 9, kLong)))) all.push_back(y);
    EXPECT_EQ(all, elements(whole.outputs));
  }
}

TYPED_TEST(RecurrentStream, ResetsGiveTheBitsOfAReplayWithResets) {
  const auto layer = single_precision<TypeParam>();
  const Index batch = 3;
  const Tensor x = input(batch);
  const Tensor reset = mask({kLong, batch}, {5 * batch + 1, 20 * batch, 20 * batch + 2});
  auto player = layer.stream(batch);
  std::vector<double> all;
  for (Index t = 0; t < kLong; t++) {
    player.reset(reset[t], layer.initial(batch));
    for (double y : played(player, x, t, t + 1)) all.push_back(y);
  }
  const auto replay = layer(x, {.reset = reset});
  EXPECT_EQ(all, elements(replay.outputs));
  expect_same_bits(tensors_of(player.state()), tensors_of(replay.final));

  const auto plain = layer(x);  // and the resets mattered
  EXPECT_GT(largest_difference(replay.outputs, plain.outputs), 1e-3);
}

TYPED_TEST(RecurrentStream, AStepTakesNoMemory) {
  const auto layer = single_precision<TypeParam>();
  for (Index batch : {1, 3}) {
    auto player = layer.stream(batch);
    const std::vector<float> in(static_cast<std::size_t>(batch * kInput), 0.5f);
    std::vector<float> out(static_cast<std::size_t>(batch * kWide));
    EXPECT_EQ(allocations_of([&] {
                for (int i = 0; i < 3; i++) player.step(in, out);
              }),
              0u);
  }
}

TYPED_TEST(RecurrentStream, AStepTakesNoLock) {
  if (!kLocksAreCounted) GTEST_SKIP() << "a sanitizer has locks of its own";
  const auto layer = single_precision<TypeParam>();
  auto player = layer.stream(3);
  const std::vector<float> in(3 * kInput, 0.5f);
  std::vector<float> out(3 * kWide);
  EXPECT_EQ(locks_of([&] {
              for (int i = 0; i < 3; i++) player.step(in, out);
            }),
            0u);
}

// The dropout between the layers acts where a tape records, and a stream is seen by none.
TEST(RecurrentStream, DropsNothingUnderATape) {
  const auto layer = recurrent<Lstm>({.layers = 2, .dropout = 0.5});
  const Tensor x = layer_input();
  const Tensor expected = layer(x).outputs;
  Tape tape;
  auto player = layer.stream(kBatch);
  EXPECT_EQ(elements(player.run(x)), elements(expected));
  EXPECT_EQ(tape.size(), 0u);
}

TEST(RecurrentStream, ChunksWithACarriedStateAreTheWhole) {
  const auto layer = single_precision<Lstm>();
  const Tensor x = input(3);
  const auto whole = layer(x);
  auto state = layer.initial(3);
  std::vector<Tensor> outputs;
  for (const Tensor& chunk : split(x, {1, 12, 27}, 0)) {
    auto result = layer(chunk, {.initial = state});
    outputs.push_back(result.outputs);
    state = std::move(result.final);
  }
  EXPECT_EQ(elements(concat(outputs, 0)), elements(whole.outputs));
  expect_same_bits(tensors_of(state), tensors_of(whole.final));
}

TEST(RecurrentStream, FollowsTheWeights) {
  auto layer = single_precision<Lstm>();
  auto player = layer.stream(1);
  const Tensor x = input(1);
  const auto before = played(player, x, 0, 1);
  optim::SGD sgd(nn::parameters(layer), {.learning_rate = 1});
  {
    Tape tape;
    sgd.step(tape.backward(sum(layer(x).outputs)));
  }
  player.set_state(layer.initial(1));
  const auto after = played(player, x, 0, 1);
  EXPECT_NE(after, before);
  EXPECT_EQ(after, elements(layer(x).outputs[0]));
}

TEST(RecurrentStream, StreamsOfSeveralThreadsShareAModel) {
  const auto layer = single_precision<Gru>();
  const Tensor x = input(2);
  const auto expected = elements(layer(x).outputs);
  std::vector<std::vector<double>> seen(4);
  std::vector<std::thread> threads;
  for (auto& mine : seen) {
    threads.emplace_back([&] {
      auto player = layer.stream(2);
      mine = played(player, x, 0, kLong);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& mine : seen) EXPECT_EQ(mine, expected);
}

// Hears words beside x.
struct ListeningCell {
  struct Heard {
    Tensor x, words;
  };
  struct Outputs {
    Tensor h, words;
  };
  using State = Tensor;
  nn::Linear from_x, from_h;
  nn::Embedding from_words;

  ListeningCell(Index in, Index hidden, Rng& rng)
      : from_x(in, hidden, rng), from_h(hidden, hidden, rng), from_words(5, hidden, rng) {}
  State initial(Index batch) const { return nn::zero_state(batch, kWide, from_h.weight); }
  std::pair<State, Outputs> step(const Heard& in, const State& h) const {
    const Tensor next = tanh(from_x(in.x) + from_h(h) + from_words(in.words));
    return {next, {next, in.words}};
  }
  static void members(auto& self, auto&& visit) {
    visit("from_x", self.from_x);
    visit("from_h", self.from_h);
    visit("from_words", self.from_words);
  }
};

TEST(RecurrentStream, TakesWhateverTheLayerTakes) {
  constexpr Index kRows = 3;
  Rng rng(4);
  const nn::Recurrent<ListeningCell> layer({.input = kInput, .hidden = kWide, .layers = 2}, rng);
  Tensor words = zeros({kLong, kRows}, int64);
  Index word = 0;
  for (Index& w : words.mutable_span<Index>()) w = word++ % 5;
  const Tensor x = input(kRows);
  const auto whole = layer(ListeningCell::Heard{x, words});
  auto player = layer.stream(ListeningCell::Heard{x[0], words[0]});
  std::vector<float> h(kLong * kRows * kWide);
  std::vector<Index> heard(kLong * kRows);
  EXPECT_EQ(allocations_of([&] {
              player.run({x.span<float>(), words.span<Index>()}, {h, heard});
            }),
            0u);
  EXPECT_EQ(std::vector<double>(h.begin(), h.end()), elements(whole.outputs.h));
  EXPECT_EQ(std::vector<double>(heard.begin(), heard.end()), elements(words));
  expect_same_bits(tensors_of(player.state()), tensors_of(whole.final));
  EXPECT_ERROR(layer.stream(ListeningCell::Heard{zeros({kRows, 9}), words[0]}), ShapeError,
               "recurrent: x of a step is [batch, 3], got float32 [3, 9]");
}

TEST(RecurrentStream, SaysWhatDoesNotFit) {
  const auto layer = single_precision<Elman>();
  auto player = layer.stream(2);
  EXPECT_ERROR(player.step(zeros({2, 9})), ShapeError,
               "stream: a step's input is float32 [2, 3], got float32 [2, 9]");
  EXPECT_ERROR(player.run(zeros({2, 3})), ShapeError,
               "stream: a block is [time] and then float32 [2, 3], got float32 [2, 3]");
  EXPECT_ERROR(player.set_state(layer.initial(3)), ShapeError,
               "stream: tensor 0 of the given state is float32 [3, 24], of the state float32 "
               "[2, 24]; a state keeps its shape and dtype");
}

}  // namespace
}  // namespace rw::test
