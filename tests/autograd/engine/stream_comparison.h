// A stream beside the scan of the same step, bit for bit.
#pragma once

#include "autograd/engine/scan_comparison.h"
#include "rewind/autograd/stream.h"
#include "rewind/tensor/random.h"

namespace rw::test {

// Once for each output that the step returns.
inline void expect_the_bits_of_the_scan(const Tensor& xs, const Tensors& initial,
                                        const Tensors& weights,
                                        const decltype(ScanCase::step)& cell) {
  for (std::size_t output = 0;; output++) {
    SCOPED_TRACE(output);
    std::size_t outputs = 0;
    const auto step = [&](const Tensor& x, const Tensors& state) {
      auto [next, y] = cell({x}, state, weights);
      outputs = y.size();
      return std::pair(next, y[output]);
    };
    const Random same(7);
    const Rng start = Random::state();
    const auto expected = scan(step, xs, initial);
    const Rng end = Random::state();
    Random::set_state(start);
    auto player = stream(step, xs[0], initial);
    EXPECT_EQ(elements(player.run(xs)), elements(expected.outputs));
    EXPECT_EQ(Random::state(), end);
    for (std::size_t k = 0; k < initial.size(); k++) {
      EXPECT_EQ(elements(player.state()[k]), elements(expected.final[k]));
    }
    if (output + 1 == outputs) return;
  }
}

}  // namespace rw::test
