// A stream beside the scan of the same step, bit for bit.
#pragma once

#include "autograd/engine/scan_comparison.h"
#include "rewind/autograd/stream.h"
#include "rewind/tensor/random.h"

namespace rw::test {

template <class Step, class Inputs>
void expect_the_bits_of_the_scan(const Step& step, const Inputs& xs, const Tensors& initial) {
  const Random same(7);
  const Rng start = Random::state();
  const auto expected = scan(step, xs, initial);
  const Rng end = Random::state();
  Random::set_state(start);
  auto player = stream(step, map_tensors(xs, [](const Tensor& x) { return x[0]; }), initial);
  const auto outputs = tensors_of(player.run(xs)), expected_outputs = tensors_of(expected.outputs);
  ASSERT_EQ(outputs.size(), expected_outputs.size());
  for (std::size_t i = 0; i < outputs.size(); i++) {
    EXPECT_EQ(elements(outputs[i]), elements(expected_outputs[i])) << "output " << i;
  }
  EXPECT_EQ(Random::state(), end);
  for (std::size_t k = 0; k < initial.size(); k++) {
    EXPECT_EQ(elements(player.state()[k]), elements(expected.final[k]));
  }
}

// All outputs at once, and each by itself.
inline void expect_the_bits_of_the_scan(const Tensor& xs, const Tensors& initial,
                                        const Tensors& weights,
                                        const decltype(ScanCase::step)& cell) {
  std::size_t outputs = 0;
  const auto all = [&](const Tensors& x, const Tensors& state) {
    auto results = cell(x, state, weights);
    outputs = results.second.size();
    return results;
  };
  expect_the_bits_of_the_scan(all, Tensors{xs}, initial);
  for (std::size_t output = 0; output < outputs; output++) {
    SCOPED_TRACE(output);
    const auto step = [&](const Tensor& x, const Tensors& state) {
      auto [next, y] = cell({x}, state, weights);
      return std::pair(next, y[output]);
    };
    expect_the_bits_of_the_scan(step, xs, initial);
  }
}

}  // namespace rw::test
