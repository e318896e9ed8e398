// Random cells, each scanned by its plan and by the plain loop, with gradients and gradients of
// gradients.
#include "autograd/engine/random_cells.h"

#include <gtest/gtest.h>

#include "rewind/autograd/stream.h"
#include "rewind/tensor/joining.h"

namespace rw::test {
namespace {

TEST(RandomCells, AreTheirPlainLoops) {
  for (std::uint64_t seed = 0; seed < 500 && !testing::Test::HasFailure(); seed++) {
    SCOPED_TRACE(seed);
    with_random_cell(seed, [](const ScanCase& c) { expect_the_plain_loop(c, "random"); });
  }
}

TEST(RandomCells, AreTheirPlainLoopsInSegments) {
  for (std::uint64_t seed = 0; seed < 200 && !testing::Test::HasFailure(); seed++) {
    SCOPED_TRACE(seed);
    with_random_cell(seed, [&](ScanCase c) {
      c.segments = static_cast<Index>(seed % 4) + 1;
      expect_the_plain_loop(c, "random");
    });
  }
}

TEST(RandomCells, HaveTheTermsOfTheirPlainLoops) {
  for (std::uint64_t seed = 0; seed < 200 && !testing::Test::HasFailure(); seed++) {
    SCOPED_TRACE(seed);
    with_random_cell(seed, [](const ScanCase& c) { expect_the_terms_of_the_plain_loop(c); });
  }
}

// A stream arranges its step in another way than a scan does, and must not be seen to.
TEST(RandomCells, StreamsHaveTheBitsOfTheirScans) {
  for (std::uint64_t seed = 0; seed < 500; seed++) {
    SCOPED_TRACE(seed);
    Recipe recipe = recipe_of(seed);
    recipe.time += 2;
    Index features = 0;
    for (const Index size : recipe.inputs) features += size;
    Tensors initial, weights;
    for (const Index size : recipe.states) {
      initial.push_back(numbers({recipe.batch, size}, 7.0 + static_cast<double>(size)));
    }
    const RandomStep random(recipe, weights);
    const auto step = [&](const Tensor& x, const Tensors& states) {
      auto [next, outputs] = random(split(x, recipe.inputs, 1), states, weights);
      return std::pair(next, concat(outputs));
    };
    const Tensor xs = numbers({recipe.time, recipe.batch, features}, 3);
    (void)random(split(xs[0], recipe.inputs, 1), initial, {});  // once, for the weights
    const auto expected = scan(step, xs, initial);
    auto player = stream(step, xs[0], initial);
    EXPECT_EQ(elements(player.run(xs)), elements(expected.outputs));
    for (std::size_t k = 0; k < initial.size(); k++) {
      EXPECT_EQ(elements(player.state()[k]), elements(expected.final[k]));
    }
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace rw::test
