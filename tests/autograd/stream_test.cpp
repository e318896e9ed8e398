// What a stream follows and what it does not, how it ends, and what it takes.
#include "rewind/autograd/stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "rewind/autograd/note.h"
#include "rewind/optim/sgd.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/float_mode.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/reduction.h"
#include "support/allocations.h"
#include "support/elements.h"
#include "support/locks.h"

namespace rw::test {
namespace {

constexpr Index kBatch = 2, kWide = 3;

Tensor wave(const Dims& shape, double phase) {
  Tensor x = zeros(shape, float64);
  for (double& v : x.mutable_span<double>()) v = std::sin(phase += 1.3);
  return x;
}

// h' = tanh(x W + h U), where W is a parameter and U a tensor.
struct Cell {
  Parameter w{wave({kWide, kWide}, 1)};
  Tensor u = wave({kWide, kWide}, 2);
  mutable int looks = 0;

  Tensor step(const Tensor& x, const Tensor& h) const {
    looks++;
    return tanh(matmul(x, w) + matmul(h, u));
  }
};

const Tensor kX = wave({kBatch, kWide}, 5), kH = wave({kBatch, kWide}, 6);

auto stream_of(const Cell& cell) {
  return stream([&](const Tensor& x, const Tensor& h) { return cell.step(x, h); }, kX, kH);
}

// The numbers of one step from kH, by the stream and by a scan of the cell as it is now.
std::vector<double> played(Stream<Tensor>& player) {
  player.set_state(kH);
  std::vector<double> out(kBatch * kWide);
  player.step(kX.span<double>(), out);
  return out;
}
std::vector<double> scanned(const Cell& cell) {
  const auto step = [&](const Tensor& x, const Tensor& h) { return cell.step(x, h); };
  return elements(scan(step, unsqueeze(kX, 0), kH).final);
}

TEST(Stream, LooksAtItsStepOnceAndThenNeverAgain) {
  const Cell cell;
  auto player = stream_of(cell);
  const int looks = cell.looks;
  for (int i = 0; i < 3; i++) played(player);
  player.reset(ones({kBatch}, boolean), kH);
  EXPECT_EQ(cell.looks, looks);
}

TEST(Stream, FollowsAWriteToAParameter) {
  Cell cell;
  auto player = stream_of(cell);
  auto other = stream_of(cell);
  const auto before = played(player);
  Tensor& numbers = cell.w.value();  // whose owner writes when he likes
  for (int i = 0; i < 3; i++) {
    numbers.mutable_span<double>()[0] += 1;
    const auto after = played(player);
    EXPECT_NE(after, before);
    EXPECT_EQ(after, scanned(cell));
    EXPECT_EQ(played(other), after);
  }
}

TEST(Stream, FollowsAnOptimizerAndTakesWhatHasNotChangedAsItIs) {
  Cell cell;
  auto player = stream_of(cell);
  const auto before = played(player);
  const int looks = cell.looks;
  {
    std::vector<Parameter> weights;
    weights.push_back(cell.w.tie());
    optim::SGD sgd(std::move(weights), {.learning_rate = 1});
    Tape tape;
    sgd.step(tape.backward(sum(matmul(kX, cell.w))));
  }
  EXPECT_EQ(played(player), scanned(cell));
  EXPECT_NE(played(player), before);
  EXPECT_LE(cell.looks, looks + 3);
}

TEST(Stream, FollowsAParameterThatIsReplaced) {
  Cell cell;
  auto player = stream_of(cell);
  const Parameter tied = cell.w.tie();  // it lives on
  cell.w = Parameter(wave({kWide, kWide}, 20));
  const auto replaced = played(player);
  EXPECT_EQ(replaced, scanned(cell));
  cell.w.value() = wave({kWide, kWide}, 30);
  EXPECT_EQ(played(player), scanned(cell));
  const Cell best;
  cell = best;
  EXPECT_EQ(played(player), scanned(best));
  EXPECT_NE(played(player), replaced);
}

TEST(Stream, IsNotDisturbedByHandlesThatComeAndGoInItsStep) {
  const Cell cell;
  int looks = 0;
  auto player = stream(
      [&](const Tensor& x, const Tensor& h) {
        looks++;
        const Parameter again = cell.w.tie();
        return tanh(matmul(x, again) + h);
      },
      kX, kH);
  for (int i = 0; i < 3; i++) played(player);
  EXPECT_EQ(looks, 1);
}

// The limit of what is noticed.
TEST(Stream, TakesUpTensorsThatAreNoParametersWhenItIsRefreshed) {
  Cell cell;
  auto player = stream_of(cell);
  const auto before = played(player);
  cell.u.mutable_span<double>()[0] += 1;
  EXPECT_EQ(played(player), before);
  player.refresh();
  EXPECT_EQ(played(player), scanned(cell));
  EXPECT_NE(played(player), before);
}

TEST(Stream, KeepsItsStateWhileItFollows) {
  Cell cell;
  auto player = stream_of(cell);
  player.step(kX);
  const Tensor h = player.state();
  cell.w.value().mutable_span<double>()[0] += 1;
  player.refresh();
  EXPECT_EQ(elements(player.state()), elements(h));
}

TEST(Stream, RefusesAStepThatReturnsAnotherShapeNow) {
  Cell cell;
  Tensor head = wave({kWide, 4}, 9);
  auto player = stream(
      [&](const Tensor& x, const Tensor& h) { return std::pair(cell.step(x, h), matmul(h, head)); },
      kX, kH);
  head = wave({kWide, 5}, 9);
  EXPECT_ERROR(player.refresh(), ShapeError,
               "stream: the output of a step was float64 [2, 4] and is float64 [2, 5] now; make a "
               "new stream");
  EXPECT_EQ(player.step(kX).shape(), (Dims{kBatch, 4}));
}

TEST(Stream, RefusesAStepThatReturnsAnotherState) {
  EXPECT_ERROR(stream(
                   [](const Tensor& x, const Tensor& h) {
                     return concat({x, h});
                   },
                   kX, kH),
               ShapeError,
               "stream: tensor 0 of the state that the step returns is float64 [2, 6], of the "
               "state float64 [2, 3]; a state keeps its shape and dtype");
}

TEST(Stream, RefusesAStateOfOtherRowsThanItsInput) {
  const Cell cell;
  const auto step = [&](const Tensor& x, const Tensor& h) { return cell.step(x, h); };
  EXPECT_ERROR(stream(step, wave({1, kWide}, 1), wave({2, kWide}, 2)), ShapeError,
               "stream: a tensor of the initial state is float64 [2, 3], not [batch, ...] with "
               "batch 1");
  EXPECT_ERROR(stream(step, zeros({}), wave({2, kWide}, 2)), ShapeError,
               "stream: a step's input is [batch, ...], and the example is float32 []");
}

// An operation of a user that shares its work among workers.
struct Shared {
  static constexpr std::string_view name = "shared";
  static constexpr bool rowwise = true;
  static inline std::atomic<int> elsewhere = 0;
  Spec infer(const Spec& x) const { return x; }
  void run(const Tensor& x, Tensor& y) const {
    const auto caller = std::this_thread::get_id();
    parallel_for(8, 1, [&](Index, Index) { elsewhere += std::this_thread::get_id() != caller; });
    copy_elements(x, y);
  }
};

TEST(Stream, StartsNoThreads) {
  const Threads two(2);
  auto player = stream([](const Tensor&, const Tensor& h) { return apply(Shared{}, h); }, kX, kH);
  std::vector<double> out(kBatch * kWide);
  Shared::elsewhere = 0;
  player.step(kX.span<double>(), out);
  EXPECT_EQ(Shared::elsewhere, 0);
}

TEST(StreamDeathTest, AWeightThatFitsNoLongerEndsTheProgram) {
  Cell cell;
  auto player = stream_of(cell);
  cell.w.value() = wave({kWide, 5}, 1);
  EXPECT_DEATH(played(player), "5");
}

TEST(Stream, AStepTakesNoMemory) {
  const Cell cell;
  auto player = stream_of(cell);
  std::vector<double> in(4 * kBatch * kWide, 0.5), out(in.size());
  static_assert(noexcept(player.step(in, out)));
  static_assert(noexcept(player.run(in, out)));
  EXPECT_EQ(allocations_of([&] {
              player.step(std::span(in).first(kBatch * kWide),
                          std::span(out).first(kBatch * kWide));
              player.run(in, out);
            }),
            0u);
  EXPECT_GT(allocations_of([&] { (void)player.step(kX); }), 0u);  // so they are counted
}

TEST(Stream, AStepTakesNoLock) {
  if (!kLocksAreCounted) GTEST_SKIP() << "a sanitizer has locks of its own";
  const Cell cell;
  auto player = stream_of(cell);
  std::vector<double> in(4 * kBatch * kWide, 0.5), out(in.size());
  const auto play = [&] {
    player.step(std::span(in).first(kBatch * kWide), std::span(out).first(kBatch * kWide));
    player.run(in, out);
  };
  EXPECT_EQ(locks_of(play), 0u);
  const Threads two(2);
  EXPECT_EQ(locks_of(play), 0u);
  EXPECT_GT(locks_of([&] { scanned(cell); }), 0u);  // so they are counted
}

TEST(Stream, RunsBlocksOfNumbers) {
  const Cell cell;
  auto steps = stream_of(cell), blocks = stream_of(cell);
  const Tensor xs = wave({4, kBatch, kWide}, 8);
  std::vector<double> out(static_cast<std::size_t>(xs.size()));
  blocks.run(xs.span<double>(), out);
  EXPECT_EQ(out, elements(steps.run(xs)));
  EXPECT_EQ(elements(blocks.state()), elements(steps.state()));
  blocks.run(std::span<const double>(), std::span<double>());
  EXPECT_EQ(elements(blocks.state()), elements(steps.state()));
}

TEST(StreamDeathTest, BlocksThatAreNoNumberOfStepsEndTheProgram) {
  const Cell cell;
  auto player = stream_of(cell);
  std::vector<double> in(13), out(12);
  EXPECT_DEATH(player.run(in, out), "stream: in holds 13 numbers, 2 steps of .* have 12");
}

TEST(Stream, MayBeMovedAndKept) {
  const Cell cell;
  std::vector<Stream<Tensor>> players;
  players.push_back(stream_of(cell));
  players.push_back(stream_of(cell));
  players[0].step(kX);
  Stream<Tensor> moved = std::move(players[0]);
  auto other = stream_of(cell);
  other.step(kX);
  EXPECT_EQ(elements(moved.step(kX)), elements(other.step(kX)));
}

TEST(Stream, SelectedRowsGoOnAsTheyWouldByThemselves) {
  const Cell cell;
  auto player = stream_of(cell);
  player.step(kX);
  const Tensor h = player.state();
  const auto go_on = [&](std::vector<Index> rows) {
    const Tensor indices = from_span(rows, {std::ssize(rows)});
    const Tensor x = take(kX, indices);
    player.set_state(h);
    player.select(indices);
    const Tensor expected = [&] {
      const auto step = [&](const Tensor& in, const Tensor& s) { return cell.step(in, s); };
      return scan(step, unsqueeze(x, 0), take(h, indices)).final;
    }();
    EXPECT_EQ(elements(player.step(x)), elements(expected));
  };
  go_on({1, 0});
  go_on({1, 1});
  player.select(from_span(std::vector<Index>{0, 1, 1, 0}, {4}));
  EXPECT_EQ(player.state().shape(), (Dims{4, kWide}));
  EXPECT_EQ(player.output_spec().shape, (Dims{4, kWide}));
}

TEST(Stream, OfNoRowsDoesNothing) {
  const Cell cell;
  auto player = stream_of(cell);
  player.select(zeros({0}, int64));
  EXPECT_EQ(player.step(zeros({0, kWide}, float64)).shape(), (Dims{0, kWide}));
  EXPECT_EQ(player.run(zeros({5, 0, kWide}, float64)).shape(), (Dims{5, 0, kWide}));
  player.set_state(zeros({0, kWide}, float64));
  player.reset(zeros({0}, boolean), zeros({0, kWide}, float64));
}

TEST(Stream, IsPlainWhereSomebodyListens) {
  const Cell cell;
  auto player = stream(
      [&](const Tensor& x, const Tensor& h) { return note("next", cell.step(x, h)); }, kX, kH);
  const auto expected = played(player);
  const Notes notes;
  const auto seen = played(player);
  ASSERT_EQ(notes["next"].size(), 1u);
  EXPECT_EQ(elements(notes["next"][0]), seen);
  for (std::size_t i = 0; i < seen.size(); i++) EXPECT_NEAR(seen[i], expected[i], 1e-14);
}

TEST(Stream, FlushesDenormalsAndLeavesTheModeAsItWas) {
  const Cell cell;
  auto player = stream([](const Tensor& x, const Tensor& h) { return 0.5 * h + x; }, kX, kH);
  player.set_state(full({kBatch, kWide}, 3e-308, float64));
  const Tensor y = player.step(zeros({kBatch, kWide}, float64));
  EXPECT_EQ(elements(y), std::vector<double>(kBatch * kWide, 0));
  EXPECT_FALSE(FlushDenormals::active());
}

}  // namespace
}  // namespace rw::test
