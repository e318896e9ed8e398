// Packed weights that a plan puts together of several, and never of numbers that were since written
// to.
#include <gtest/gtest.h>

#include "autograd/engine/ramp.h"
#include "autograd/engine/scan_comparison.h"
#include "rewind/autograd/engine/run/packed.h"
#include "rewind/autograd/stream.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/views.h"
#include "support/dice.h"

namespace rw::test {
namespace {

// Of weights that the plan puts together: gates whose product is one, a concatenation of inputs
// with one matrix, and a transposed one.
Tensor gated(const Tensor& x, const Tensor& h, const std::vector<Tensor>& w) {
  const Tensor z = tanh(matmul(h, w[0])) * sigmoid(matmul(h, w[1]));
  return tanh(z + matmul(concat({x, h}), concat({w[0], w[2]}, 0)) + matmul(h, transpose(w[3])));
}

class PackedTogetherOf : public testing::TestWithParam<Dtype> {};

TEST_P(PackedTogetherOf, IsNeverOfOtherNumbersWhateverIsDoneToWeights) {
  const auto fresh = [](double scale) { return cast(ramp({6, 6}), GetParam()) * scale; };
  const Tensor x = cast(ramp({4, 2, 6}), GetParam()), h = cast(ramp({2, 6}), GetParam());
  std::vector<Tensor> weights, handles;
  for (int i = 0; i < 4; i++) weights.push_back(fresh(0.3 * (i + 1.0)));
  Dice dice(1);
  const auto digit = [&] { return dice(9) + 1.0; };
  const auto write = [&](Tensor& w) { w.set({dice(6), dice(6)}, digit() * 0.1); };
  const auto act = [&](Tensor& w, const Tensor& other) {
    switch (dice(7)) {
      case 0:
        return write(w);
      case 1:
        return void(w = fresh(digit() * 0.1));
      case 2:
        return void(w = other);  // shared until one of them is written
      case 3:
        handles.push_back(w);
        return write(w);
      case 4:
        if (!handles.empty()) write(handles[dice(handles.size())]);
        return;
      case 5:
        if (!handles.empty()) w = handles[dice(handles.size())];
        return;
      default:
        w = transpose(other);
    }
  };
  const auto step = [&](const Tensor& in, const Tensor& s) { return gated(in, s, weights); };
  auto player = stream(step, x[0], h);
  for (int i = 0; i < 300; i++) {
    Tensor& w = weights[dice(4u)];
    const Tensor other = weights[dice(4u)];
    act(w, other);
    if (handles.size() > 6) handles.erase(handles.begin());
    const Tensor planned = scan(step, x, h).outputs;
    const Tensor plain = [&] {
      const PlainLoops plainly;
      return scan(step, x, h).outputs;
    }();
    ASSERT_LE(largest_difference(planned, plain), GetParam() == float64 ? 1e-13 : 2e-6)
        << "act " << i;
    player.refresh();
    player.set_state(h);
    ASSERT_EQ(largest_difference(player.run(x), planned), 0) << "act " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, PackedTogetherOf, testing::Values(float64, float32),
                         [](const auto& test) { return std::string(name_of(test.param)); });

// What is asked for by the second call is what the first one made, and is there still when all
// forms of numbers that are gone are forgotten.
TEST(PackedTogether, IsMadeOnce) {
  const std::vector<Tensor> weights{ramp({6, 6}), ramp({6, 6}) * 2, ramp({6, 6}) * 3,
                                    ramp({6, 6}) * 4};
  const auto forms_after = [&](int calls) {
    const auto step = [&](const Tensor& x, const Tensor& h) { return gated(x, h, weights); };
    for (int i = 0; i < calls; i++) scan(step, ramp({4, 2, 6}), ramp({2, 6}));
    engine::packed_form(ramp({4, 4}));
    return engine::remembered_forms();
  };
  const std::size_t before = forms_after(0), once = forms_after(1);
  EXPECT_GE(once, before + 2);
  EXPECT_EQ(forms_after(5), once);
}

}  // namespace
}  // namespace rw::test
