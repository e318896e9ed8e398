// Recurrent layers that nobody chose: options, calls, precisions and threads are drawn, and each is
// held beside plain loops, results and gradients.
#include <gtest/gtest.h>

#include <set>

#include "autograd/engine/random_cells.h"
#include "nn/recurrent_results.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/regions.h"

namespace rw::test {
namespace {

struct Draw {
  nn::RecurrentOptions options;
  Dtype dtype;
  Index time, batch;
  int threads;
  bool lengths, resets, initial, reverse, states;
  Index segments;
  std::uint64_t seed;
};

Draw draw_of(std::uint64_t seed) {
  Dice dice(seed + 500);
  Draw d{};
  d.seed = seed;
  d.options.input = dice(4) + 1;
  d.options.hidden = dice(5) + 1;
  d.options.layers = dice(3) + 1;
  d.options.bidirectional = dice(2) == 0;
  d.options.batch_first = dice(3) == 0;
  d.options.residual = dice(3) == 0;
  const bool drops = dice(2) == 0;
  if (drops) d.options.dropout = 0.4;
  d.dtype = dice(2) == 0 ? float32 : float64;
  d.time = dice(7) + 1;
  d.batch = dice(5) + 1;
  d.threads = static_cast<int>(dice(5)) + 1;
  d.lengths = dice(2) == 0;
  d.resets = dice(2) == 0;
  d.initial = dice(2) == 0;
  const bool from_the_end = dice(2) == 0;
  d.reverse = from_the_end && !d.options.bidirectional;
  d.states = dice(2) == 0;
  const bool in_segments = dice(3) == 0;
  if (in_segments) d.segments = dice(d.time + 2) + 1;
  if (seed % 10 == 0) {  // rows and work enough for several workers
    d.options.hidden += 90;
    d.options.layers = drops ? 2 : 1;  // between which it acts
    d.batch += 36;
    d.time += 8;
  }
  return d;
}

std::string text_of(const Draw& d) {
  const nn::RecurrentOptions& o = d.options;
  return fmt::format(
      "draw {}: {} [{}, {}, {}] to {}, {} layers{}{}{}{}, {} threads{}{}{}{}{}, {} segments",
      d.seed, name_of(d.dtype), d.time, d.batch, o.input, o.hidden, o.layers,
      o.bidirectional ? ", both directions" : "", o.batch_first ? ", batch first" : "",
      o.residual ? ", residual" : "", o.dropout > 0 ? ", dropout" : "", d.threads,
      d.lengths ? ", lengths" : "", d.resets ? ", resets" : "", d.initial ? ", initial" : "",
      d.reverse ? ", reverse" : "", d.states ? ", states" : "", d.segments);
}

template <class Kind>
void expect_plain_loops(const Draw& d) {
  auto layer = recurrent<Kind>(d.options);
  nn::to(layer, d.dtype);
  nn::RecurrentCall<typename Kind::Cell::State> call{
      .reverse = d.reverse, .states = d.states, .segments = d.segments};
  const bool first = d.options.batch_first;
  const Index outer = first ? d.batch : d.time, inner = first ? d.time : d.batch;
  Tensor x = cast(wave({outer, inner, d.options.input}, 1), d.dtype);
  Dice dice(d.seed);
  for (Index row = 0; d.lengths && row < d.batch; row++) {
    const Index length = dice(d.time + 1);
    call.lengths.push_back(length);
    const Range padding{length, kEnd};
    first ? x.set({row, padding}, std::nan("")) : x.set({padding, row}, std::nan(""));
  }
  if (d.resets) call.reset = greater(wave({outer, inner}, 4), 0.4);
  if (d.initial) {
    call.initial =
        map_tensors(starts(layer, d.batch), [&](const Tensor& h) { return cast(h, d.dtype); });
  }
  const Tensors planned = [&] {
    const Threads scope(d.threads);
    return all_of(layer, x, call);
  }();
  const PlainLoops plainly;
  expect_close(planned, all_of(layer, x, call), d.dtype == float64 ? 1e-12 : 5e-6);
}

template <class Kind>
class RecurrentRandom : public testing::Test {};
TYPED_TEST_SUITE(RecurrentRandom, Kinds, KindNames);

TYPED_TEST(RecurrentRandom, LayersArePlainLoops) {
  for (std::uint64_t seed = 0; seed < 100 && !testing::Test::HasFailure(); seed++) {
    const Draw d = draw_of(seed);
    SCOPED_TRACE(text_of(d));
    expect_plain_loops<TypeParam>(d);
  }
}

// Each of what may be drawn is, with each other.
TEST(RecurrentRandom, DrawsEveryPairOfChoices) {
  std::set<std::pair<std::size_t, std::size_t>> pairs;
  for (std::uint64_t seed = 0; seed < 100; seed++) {
    const Draw d = draw_of(seed);
    const nn::RecurrentOptions& o = d.options;
    const std::vector<bool> choices{o.layers > 1,   o.residual && o.layers > 1,
                                    o.batch_first,  o.dropout > 0 && o.layers > 1,
                                    d.threads > 1,  d.dtype == float32,
                                    d.lengths,      d.resets,
                                    d.initial,      d.states,
                                    d.segments > 0, o.bidirectional || d.reverse,
                                    d.batch > 36};
    for (std::size_t i = 0; i < choices.size(); i++) {
      for (std::size_t j = 0; j < i; j++) {
        if (choices[i] && choices[j]) pairs.insert({i, j});
      }
    }
  }
  EXPECT_EQ(pairs.size(), 13u * 12u / 2u);
}

}  // namespace
}  // namespace rw::test
