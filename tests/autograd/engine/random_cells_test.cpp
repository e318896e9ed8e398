// Cells that nobody wrote (random_cells.h), scanned by their plans and by plain loops, with
// gradients and gradients of gradients.
#include "autograd/engine/random_cells.h"

#include <gtest/gtest.h>

#include "autograd/engine/bits_of_threads.h"
#include "autograd/engine/cell_cases.h"
#include "autograd/engine/stream_comparison.h"
#include "rewind/autograd/engine/plans.h"
#include "rewind/autograd/engine/run/loop_split.h"
#include "rewind/tensor/kernels/packed_product.h"

namespace rw::test {
namespace {

Recipe recipe_of(std::uint64_t seed, Dtype dtype) {
  Dice dice(seed + 1000);
  Recipe recipe{};
  recipe.seed = seed;
  recipe.dtype = dtype;
  recipe.time = dice(4) + 1;
  recipe.batch = dice(4) + 1;
  recipe.tokens = dice(3) == 0;
  recipe.counter = dice(4) == 0;
  recipe.masks = static_cast<Masks>(dice(3));
  recipe.operations = static_cast<int>(dice(9) + 2);
  recipe.least = 2;
  const Index inputs = dice(2) + 1, states = dice(3) + 1;
  for (Index i = 0; i < inputs; i++) recipe.inputs.push_back(dice(4) + 1);
  for (Index i = 0; i < states; i++) recipe.states.push_back(dice(4) + 1);
  const bool context = dice(3) == 0;
  if (context) recipe.context = dice(4) + 1;
  return recipe;
}

// Rows and work enough for several workers.
Recipe wide(Recipe recipe) {
  recipe.batch = 16 + 3 * recipe.batch;
  recipe.time += 12;
  recipe.masks = Masks::none;
  recipe.simple = true;
  recipe.least = 90;
  for (Index& size : recipe.states) size += 90;
  recipe.operations = std::min(recipe.operations, 5);
  return recipe;
}

// Enough for eight, of which ordinary kernels do some.
Recipe wide_with_kernels(const Recipe& recipe) {
  Recipe wider = wide(recipe);
  wider.batch += 40;
  wider.masks = recipe.masks;
  wider.simple = false;
  return wider;
}

// Whether eight workers share the rows of a loop in which an ordinary kernel runs.
bool shares_rows_of_kernels(const engine::Program& program, Index time) {
  const Threads scope(8);
  const engine::LoopSplit split = engine::loop_split(program);
  const auto is_ordinary = [](const engine::Instruction& instruction) {
    return std::holds_alternative<engine::OrdinaryInstruction>(instruction);
  };
  return split.workers > 1 && split.by == engine::LoopSplit::rows &&
         split.steps <= std::min(time, program.steps_at_a_time) &&
         std::any_of(program.loop.begin(), program.loop.end(), is_ordinary);
}
struct Shares {
  bool forward, backward;
};
Shares shares_rows_of_kernels(const ScanCase& c) {
  const engine::NotedPlans noted;
  const auto step = [&](const Tensors& x, const Tensors& s) { return c.step(x, s, c.weights); };
  scan(step, c.xs, c.initial, {.lengths = c.lengths});
  const auto& [known, batch, captured] = noted.all().at(0);
  const engine::Followed all{std::vector<bool>(captured.size(), true),
                             std::vector<bool>(c.xs.size(), true), true};
  const auto forward = engine::plan_of(known, batch, all);
  engine::Wanted wanted = forward->wanted();
  wanted.outputs.resize(forward->step().outputs.size(), false);
  const auto backward = forward->backward(wanted, false);
  const Index time = c.xs[0].dim(0);
  return {shares_rows_of_kernels(forward->program(), time),
          shares_rows_of_kernels(backward->recurrence->program(), time)};
}

// Of which each worker has the same part of every gate.
void make_of_whole_panels(Recipe& recipe) {
  const Index panel =
      recipe.dtype == float32 ? kernels::panel_width<float>() : kernels::panel_width<double>();
  recipe.least = recipe.unit = 2 * panel;
  for (Index& size : recipe.states) size = panel * (size % 2 == 0 ? 2 : 4);
}

Tensor integers(const Dims& shape, Index first) {
  Tensor x = zeros(shape, int64);
  for (Index& i : x.mutable_span<Index>()) i = first++ % kTokens;
  return x;
}

// Calls f with the cell of a recipe.
template <class F>
void with_cell(const Recipe& recipe, F f) {
  Dice dice(recipe.seed);
  ScanCase c;
  for (const Index size : recipe.inputs) {
    const Tensor x = numbers({recipe.time, recipe.batch, size}, static_cast<double>(size));
    c.xs.push_back(cast(x, recipe.dtype));
  }
  const auto seed = static_cast<Index>(recipe.seed);
  if (recipe.tokens) c.xs.push_back(integers({recipe.time, recipe.batch}, seed));
  for (const Index size : recipe.states) {
    const Tensor x = numbers({recipe.batch, size}, 7.0 + static_cast<double>(size));
    c.initial.push_back(cast(x, recipe.dtype));
  }
  if (recipe.counter) c.initial.push_back(integers({recipe.batch}, seed + 1));
  if (recipe.context > 0) {
    c.initial.push_back(cast(numbers({recipe.batch, recipe.context}, 30), recipe.dtype));
    c.states = false;  // one that is asked for at every step is not held
  }

  const RandomStep step(recipe, c.weights);
  Tensors first;  // once, for the weights that it wants
  for (const Tensor& x : c.xs) first.push_back(x[0]);
  {
    const Random same(1);
    step(first, c.initial, {});
  }
  c.step = step;
  c.reverse = dice(2) == 1;
  c.second = !(recipe.simple && recipe.dtype == float32);
  c.threads = static_cast<int>(dice(5) + 1);
  if (dice(7) < 2) c.reset = greater(numbers({recipe.time, recipe.batch}, 4), 0.1);
  if (recipe.lengths && dice(5) < 2) {
    for (Index row = 0; row < recipe.batch; row++) c.lengths.push_back(dice(recipe.time + 1));
    for (Tensor& x : c.xs) x = with_padding(x, c.lengths);
  }
  SCOPED_TRACE(fmt::format("recipe {}", recipe.seed));
  f(std::move(c));
}

void expect_the_plain_loop_of(const Recipe& recipe) {
  with_cell(recipe, [](const ScanCase& c) { expect_the_plain_loop(c, "random"); });
}

// Of many terms the plain loop itself is not known to 5e-6 in float32, so the scan is compared with
// the plain loop in float64: it is no farther than the plain loop in float32 is, but for 5e-6 of
// the largest number.
void expect_the_exact_loop_of(Recipe recipe) {
  Tensors planned, plain, exact;
  with_cell(recipe, [&](ScanCase c) {
    const Threads scope(c.threads);
    planned = all_of(c);
    const PlainLoops plainly;
    c.second = false;
    plain = all_of(c);
  });
  recipe.dtype = float64;
  with_cell(recipe, [&](ScanCase c) {
    const PlainLoops plainly;
    c.second = false;
    exact = all_of(c);
  });
  ASSERT_EQ(planned.size(), exact.size());
  for (std::size_t i = 0; i < exact.size(); i++) {
    const auto error = [&](const Tensor& x) {
      return largest_difference(to(x, exact[i].dtype()), exact[i]);
    };
    const double size = exact[i].size() == 0 ? 0 : max(abs(exact[i])).item();
    EXPECT_LE(error(planned[i]), 5e-6 * std::max(1.0, size) + error(plain[i])) << "value " << i;
  }
}

class RandomCellsOf : public testing::TestWithParam<Dtype> {};

TEST_P(RandomCellsOf, AreTheirPlainLoops) {
  for (std::uint64_t seed = 0; seed < 600 && !HasFailure(); seed++) {
    expect_the_plain_loop_of(recipe_of(seed, GetParam()));
  }
}

TEST_P(RandomCellsOf, AreTheirPlainLoopsOnSeveralWorkers) {
  for (std::uint64_t seed = 0; seed < 20 && !HasFailure(); seed++) {
    SCOPED_TRACE(seed);
    const Recipe recipe = wide(recipe_of(seed, GetParam()));
    GetParam() == float32 ? expect_the_exact_loop_of(recipe) : expect_the_plain_loop_of(recipe);
  }
}

TEST_P(RandomCellsOf, AreTheirPlainLoopsOnWorkersThatShareColumns) {
  engine::PlanOptions options;
  options.program.share_columns = true;
  const engine::PlanningWith scope(options);
  for (std::uint64_t seed = 0; seed < 150 && !HasFailure(); seed++) {
    SCOPED_TRACE(seed);
    expect_the_plain_loop_of(recipe_of(seed, GetParam()));
  }
}

TEST_P(RandomCellsOf, HaveTheSameBitsOnWorkersThatShareColumns) {
  engine::PlanOptions options;
  options.program.share_columns = true;
  const engine::PlanningWith sharing(options);
  for (std::uint64_t seed = 0; seed < 60 && !HasFailure(); seed++) {
    SCOPED_TRACE(seed);
    Recipe recipe = wide(recipe_of(seed, GetParam()));
    if (seed % 4 != 0) make_of_whole_panels(recipe);
    with_cell(recipe, [](ScanCase c) {
      c.second = false;
      expect_the_same_bits(c, {2, 3, 5});
    });
  }
}

TEST_P(RandomCellsOf, AreTheSameOnWorkersThatShareRowsOfKernels) {
  int forward = 0, backward = 0;
  for (std::uint64_t seed = 0; seed < 40 && !HasFailure(); seed++) {
    with_cell(wide_with_kernels(recipe_of(seed, GetParam())), [&](ScanCase c) {
      c.second = seed % 8 == 0;
      const Shares shares = shares_rows_of_kernels(c);
      forward += shares.forward;
      backward += shares.backward;
      expect_the_same_bits(c, {2, 3, 5, 8});
      if (GetParam() == float64) expect_the_plain_loop(c, "random");
    });
  }
  EXPECT_GE(forward, 15);
  EXPECT_GE(backward, 15);
}

TEST_P(RandomCellsOf, AreTheirPlainLoopsInSegments) {
  for (std::uint64_t seed = 0; seed < 200 && !HasFailure(); seed++) {
    with_cell(recipe_of(seed, GetParam()), [&](ScanCase c) {
      c.segments = static_cast<Index>(seed % 4) + 1;
      expect_the_plain_loop(c, "random");
    });
  }
}

TEST_P(RandomCellsOf, AreTheirPlainLoopsInStretchesOfTime) {
  for (std::uint64_t seed = 0; seed < 300 && !HasFailure(); seed++) {
    engine::PlanOptions options;
    options.program.steps_at_a_time = static_cast<Index>(seed % 3) + 1;
    const engine::PlanningWith scope(options);
    expect_the_plain_loop_of(recipe_of(seed, GetParam()));
  }
}

TEST(RandomCells, HaveTheTermsOfTheirPlainLoops) {
  for (std::uint64_t seed = 0; seed < 200 && !testing::Test::HasFailure(); seed++) {
    Recipe recipe = recipe_of(seed, float64);
    recipe.context = 0;  // held, it has terms of zeros where the plain loop has none
    with_cell(recipe, [](const ScanCase& c) { expect_the_terms_of_the_plain_loop(c); });
  }
}

// A stream arranges its step in another way than a scan does, and must not be seen to.
TEST_P(RandomCellsOf, StreamsHaveTheBitsOfTheirScans) {
  for (std::uint64_t seed = 0; seed < 500 && !HasFailure(); seed++) {
    SCOPED_TRACE(seed);
    Recipe recipe = recipe_of(seed, GetParam());
    recipe.time += 2;
    recipe.lengths = false;  // with them there is NaN in the padding
    with_cell(recipe, [](const ScanCase& c) {
      const auto step = [&](const Tensors& x, const Tensors& s) { return c.step(x, s, c.weights); };
      expect_the_bits_of_the_scan(step, c.xs, c.initial);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, RandomCellsOf, testing::Values(float64, float32),
                         [](const auto& test) { return std::string(name_of(test.param)); });

}  // namespace
}  // namespace rw::test
