// Each pass of the engine is seen in the plan of some cell.
#include <gtest/gtest.h>

#include "autograd/engine/explained.h"
#include "rewind/autograd/engine/plans.h"

namespace rw::test {
namespace {

// Cells that no other test needs.
std::string explained_with_features_first() {
  const Tensor w = numbers({H, H}, 1);
  const auto step = [&](const Tensor& x, const Tensor& h) {
    return transpose(tanh(matmul(w, transpose(h)) + transpose(x)));
  };
  return explain(step, zeros({T, B, H}, float64), zeros({B, H}, float64));
}
std::string explained_with_resets() {
  const auto step = [](const Tensor& x, const Tensor& h) { return tanh(x + h); };
  const Tensor fresh = zeros({B, H}, float64);
  return explain(step, zeros({T, B, H}, float64), fresh,
                 {.reset = zeros({T, B}, boolean), .fresh = fresh});
}
std::string explained_with_heads() {
  const Tensor w = numbers({2, H, H}, 1);
  const auto step = [&](const Tensor& x, const Tensor& h) {
    return tanh(x + sum(matmul(unsqueeze(h, 0), w), 0));
  };
  return explain(step, zeros({T, B, H}, float64), zeros({B, H}, float64));
}
std::string explained_with_a_held_state() {
  const Tensor w = numbers({H, H}, 1);
  const auto step = [&](const Tensor& x, const Tensors& s) {
    return Tensors{tanh(x + s[0] + matmul(s[1], w)), s[1]};
  };
  const Tensor h = zeros({B, H}, float64);
  return explain(step, zeros({T, B, H}, float64), Tensors{h, h});
}

TEST(Explain, ShowsWhatEachPassDoes) {
  using engine::PlanOptions;
  const auto differ = [&](auto text, auto turn_off) {
    const std::string with = text();
    PlanOptions options;
    turn_off(options);
    const engine::PlanningWith scope(options);
    return text() != with;
  };
  const auto differs = [&](const char* cell, auto turn_off) {
    return differ([&] { return explained(cell); }, turn_off);
  };
  EXPECT_TRUE(differ(explained_with_features_first, [](auto& o) { o.passes.rows_first = false; }));
  EXPECT_TRUE(differ(explained_with_heads, [](auto& o) { o.passes.plain = false; }));
  EXPECT_TRUE(differs("lstm of concat", [](auto& o) { o.passes.split = false; }));
  EXPECT_TRUE(differs("lstm of four gates", [](auto& o) { o.passes.join = false; }));
  EXPECT_TRUE(differs("elman", [](auto& o) { o.passes.regroup = false; }));
  EXPECT_TRUE(differs("lstm of four gates", [](auto& o) { o.passes.join_sums = false; }));
  EXPECT_TRUE(differ(explained_with_resets, [](auto& o) { o.passes.number = false; }));
  EXPECT_TRUE(differs("lstm", [](auto& o) { o.passes.lower = false; }));
  EXPECT_TRUE(differs("lstm", [](auto& o) { o.passes.simplify = false; }));
  EXPECT_TRUE(differs("lstm", [](auto& o) { o.keep = engine::Keep::everything; }));
  EXPECT_TRUE(differs("elman", [](auto& o) { o.program.fates.hoist = false; }));
  EXPECT_TRUE(differs("elman", [](auto& o) { o.program.fates.sink = false; }));
  EXPECT_TRUE(differs("elman", [](auto& o) { o.program.pack = false; }));
  EXPECT_TRUE(differs("elman", [](auto& o) { o.program.fuse = false; }));
  EXPECT_TRUE(differs("lstm", [](auto& o) { o.program.alias = false; }));
  EXPECT_TRUE(differs("symbols", [](auto& o) { o.program.by_table = false; }));
  EXPECT_TRUE(differ(explained_with_a_held_state, [](auto& o) { o.hold = false; }));
}

}  // namespace
}  // namespace rw::test
