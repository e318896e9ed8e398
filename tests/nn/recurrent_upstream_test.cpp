// Gradients that arrive at recurrent layers in every form, and what goes on from there: mistakes
// that layers elsewhere were shipped with, named by their numbers in our list of them.
#include <gtest/gtest.h>

#include "nn/recurrent_kinds.h"

namespace rw::test {
namespace {

template <class Kind>
class RecurrentUpstream : public testing::Test {};
TYPED_TEST_SUITE(RecurrentUpstream, Kinds, KindNames);

// chainer PR #8037: wrong where some of the gradients that arrive are absent.
TEST(Bug06, EverySubsetOfArrivingGradientsGivesItsShare) {
  const auto layer = recurrent<Lstm>({.layers = 2, .bidirectional = true});
  const auto gradients = [&](unsigned subset) {
    return gradients_of(layer, layer_input(), {.initial = starts(layer)}, [&](const auto& result) {
      const std::vector<Upstream> all = everything(result);  // outputs, last, h, c, h, c, ...
      std::vector<Upstream> some;
      if (subset & 1) some.push_back(all[0]);
      for (std::size_t i = 2; i < all.size(); i++) {
        if (subset & (i % 2 == 0 ? 2 : 4)) some.push_back(all[i]);
      }
      return some;
    });
  };
  for (unsigned subset = 1; subset < 8; subset++) {
    std::vector<Tensor> sum =
        gradients_of(layer, layer_input(), {.initial = starts(layer)}, [](const auto& r) {
          return std::vector<Upstream>{{r.outputs, zeros_like(r.outputs)}};
        });
    for (unsigned one : {1u, 2u, 4u}) {
      if (!(subset & one)) continue;
      const std::vector<Tensor> share = gradients(one);
      for (std::size_t i = 0; i < sum.size(); i++) sum[i] = sum[i] + share[i];
    }
    expect_close(gradients(subset), sum);
  }
}

// pytorch #619: strided gradients that arrive were read as if they were contiguous.
TYPED_TEST(RecurrentUpstream, Bug07ArrivingGradientsMayLieInMemoryAnyhow) {
  const auto layer = recurrent<TypeParam>({.layers = 2, .bidirectional = true});
  const Dims shape{kTime, kBatch, 2 * kHidden};
  const Tensor repeated = expand(wave({1, kBatch, 2 * kHidden}), shape);  // stride 0 over time
  const Tensor dense = contiguous(repeated);
  const Tensor transposed = transpose(contiguous(transpose(dense, 0, 2)), 0, 2);
  const Tensor sliced = slice(concat({wave(shape), dense, wave(shape)}, 1), 1, kBatch, 2 * kBatch);
  const auto gradients = [&](const Tensor& dy) {
    return gradients_of(layer, layer_input(), {}, [&](const auto& result) {
      return std::vector<Upstream>{{result.outputs, dy}};
    });
  };
  ASSERT_FALSE(repeated.contiguous() || transposed.contiguous() || sliced.contiguous());
  const std::vector<Tensor> expected = gradients(dense);
  for (const Tensor& dy : {repeated, transposed, sliced}) expect_same_bits(gradients(dy), expected);
}

// burn PR #5234, #5235: h and c exchanged; the gradient of a bias not summed over the batch.
TEST(Bug18, HAndCKeepTheirPlaces) {
  const auto layer = recurrent<Lstm>({});
  const auto result = layer(layer_input(), {.initial = starts(layer), .states = true});
  EXPECT_EQ(elements(result.states[0].h), elements(result.outputs));
  EXPECT_EQ(elements(result.final[0].h), elements(result.outputs[kTime - 1]));
  EXPECT_EQ(elements(result.final[0].c), elements(result.states[0].c[kTime - 1]));
  EXPECT_GT(largest_difference(result.final[0].c, result.final[0].h), 1e-3);
  auto exchanged = starts(layer);
  std::swap(exchanged[0].h, exchanged[0].c);
  const auto other = layer(layer_input(), {.initial = exchanged});
  EXPECT_GT(largest_difference(other.outputs, result.outputs), 1e-3);
}

TYPED_TEST(RecurrentUpstream, Bug18GradientsOfABatchAreTheSumsOfThoseOfItsRows) {
  const auto layer = recurrent<TypeParam>({.layers = 2});
  const Dims shape{kTime, kBatch, kHidden};
  const auto roots = [&](Index from, Index to) {
    return [=](const auto& result) {
      return std::vector<Upstream>{{result.outputs, slice(wave(shape, 10), 1, from, to)}};
    };
  };
  const auto together = gradients_of(layer, layer_input(), {}, roots(0, kBatch));
  std::vector<Tensor> sums;
  for (Index row = 0; row < kBatch; row++) {
    auto alone = gradients_of(layer, row_of(layer_input(), row, kTime), {}, roots(row, row + 1));
    EXPECT_LE(largest_difference(alone[0], row_of(together[0], row, kTime)), 1e-12);
    for (std::size_t i = 0; i < alone.size(); i++) {
      if (row == 0) {
        sums.push_back(alone[i]);
      } else {
        sums[i] = sums[i] + alone[i];
      }
    }
  }
  sums[0] = together[0];
  expect_close(sums, together);
}

}  // namespace
}  // namespace rw::test
