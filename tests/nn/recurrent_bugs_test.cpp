// Mistakes that recurrent layers elsewhere were shipped with, named by their numbers in our list of
// them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <limits>

#include "nn/recurrent_kinds.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/select.h"

namespace rw::test {
namespace {

template <class Kind>
class RecurrentBugs : public testing::Test {};
TYPED_TEST_SUITE(RecurrentBugs, Kinds, KindNames);

Tensor input(Index time = kTime, Index batch = kBatch) { return wave({time, batch, kInput}); }

// chainer PR #8037: wrong where some of the gradients that arrive are absent.
TEST(Bug06, EverySubsetOfArrivingGradientsGivesItsShare) {
  const auto layer = recurrent<Lstm>({.layers = 2, .bidirectional = true});
  const auto gradients = [&](unsigned subset) {
    return gradients_of(layer, input(), {.initial = starts(layer)}, [&](const auto& result) {
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
        gradients_of(layer, input(), {.initial = starts(layer)}, [](const auto& r) {
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
TYPED_TEST(RecurrentBugs, Bug07ArrivingGradientsMayLieInMemoryAnyhow) {
  const auto layer = recurrent<TypeParam>({.layers = 2, .bidirectional = true});
  const Dims shape{kTime, kBatch, 2 * kHidden};
  const Tensor repeated = expand(wave({1, kBatch, 2 * kHidden}), shape);  // stride 0 over time
  const Tensor dense = contiguous(repeated);
  const Tensor transposed = transpose(contiguous(transpose(dense, 0, 2)), 0, 2);
  const Tensor sliced = slice(concat({wave(shape), dense, wave(shape)}, 1), 1, kBatch, 2 * kBatch);
  const auto gradients = [&](const Tensor& dy) {
    return gradients_of(layer, input(), {}, [&](const auto& result) {
      return std::vector<Upstream>{{result.outputs, dy}};
    });
  };
  ASSERT_FALSE(repeated.contiguous() || transposed.contiguous() || sliced.contiguous());
  const std::vector<Tensor> expected = gradients(dense);
  for (const Tensor& dy : {repeated, transposed, sliced}) expect_same_bits(gradients(dy), expected);
}

// burn PR #2704: a GRU that was wrong after its first step.
TYPED_TEST(RecurrentBugs, Bug09IsTheLoopOverItsCell) {
  Rng rng(3);
  typename TypeParam::Cell cell = TypeParam::make(kInput, kHidden, rng);
  nn::to(cell, float64);
  const nn::Recurrent layer([&](Index) { return typename TypeParam::Cell(cell); },
                            {.input = kInput, .hidden = kHidden});
  const Tensor x = input();

  Tape tape;
  auto state = layer.initial(kBatch)[0];
  std::vector<Tensor> ys;
  for (Index t = 0; t < kTime; t++) {
    state = cell.step(x[t], state);
    ys.push_back(first_tensor(state));
  }
  const Tensor expected = stack(ys);
  const Tensor dy = wave(expected.shape(), 10);
  const Gradients by_hand = tape.backward({{expected, dy}});
  const Pause pause;
  Tape other;
  const Tensor outputs = layer(x).outputs;
  const Gradients gradients = other.backward({{outputs, dy}});
  EXPECT_EQ(elements(outputs), elements(expected));
  const auto mine = nn::parameters(layer);
  const auto hand = nn::parameters(cell);
  for (std::size_t i = 0; i < mine.size(); i++) {
    EXPECT_LE(largest_difference(gradients[mine[i]], by_hand[hand[i]]), 1e-12);
  }
}

// mlx #3249: without an initial state, a GRU left out one of its biases.
TYPED_TEST(RecurrentBugs, Bug10NoInitialStateIsOneOfZeros) {
  const auto layer = recurrent<TypeParam>({.layers = 2, .bidirectional = true});
  const auto zero = layer.initial(kBatch);
  EXPECT_EQ(elements(layer(input()).outputs), elements(layer(input(), {.initial = zero}).outputs));
  const auto all = [](const auto& result) { return everything(result); };
  const auto without = gradients_of(layer, input(), {}, all);
  auto with = gradients_of(layer, input(), {.initial = zero}, all);
  with.erase(with.begin() + 1, with.begin() + 1 + std::ssize(tensors_of(zero)));
  expect_same_bits(without, with);
}

// onnx-tensorflow #408, #409: initial states together with both directions.
TYPED_TEST(RecurrentBugs, Bug11EachDirectionStartsFromItsOwnState) {
  using Cell = typename TypeParam::Cell;
  Rng rng(3);
  std::vector<Cell> cells;
  for (int i = 0; i < 2; i++) {
    cells.push_back(TypeParam::make(kInput, kHidden, rng));
    nn::to(cells.back(), float64);
  }
  std::size_t next = 0;
  const auto make = [&](Index) { return Cell(cells.at(next++)); };
  const nn::RecurrentOptions options{.input = kInput, .hidden = kHidden};
  nn::RecurrentOptions both_options = options;
  both_options.bidirectional = true;
  const nn::Recurrent both(make, both_options);
  next = 0;
  const nn::Recurrent forward(make, options);
  const nn::Recurrent backward(make, options);
  const auto state = starts(both);
  for (bool given : {false, true}) {
    using Call = nn::RecurrentCall<typename Cell::State>;
    Call call, call_forward, call_backward{.reverse = true};
    if (given) {
      call.initial = state;
      call_forward.initial = {state[0]};
      call_backward.initial = {state[1]};
    }
    const auto result = both(input(), call);
    const auto f = forward(input(), call_forward);
    const auto b = backward(input(), call_backward);
    EXPECT_EQ(elements(result.outputs), elements(concat({f.outputs, b.outputs})));
    EXPECT_EQ(elements(result.last), elements(concat({f.last, b.last})));
    expect_same_bits(tensors_of(result.final), tensors_of(std::vector{f.final[0], b.final[0]}));
  }
}

// mxnet #17479: wrong where there are layers and the sizes of input and state differ. PR #18203:
// middle layers that read the gradients of others.
TYPED_TEST(RecurrentBugs, Bug12LayersAreTheCompositionOfSingleOnes) {
  using Cell = typename TypeParam::Cell;
  std::vector<Cell> cells;
  Rng rng(3);
  for (Index in : {kInput, kHidden, kHidden}) {
    cells.push_back(TypeParam::make(in, kHidden, rng));
    nn::to(cells.back(), float64);
  }
  std::size_t next = 0;
  const auto make = [&](Index) { return Cell(cells.at(next++)); };
  const nn::Recurrent stacked(make, {.input = kInput, .hidden = kHidden, .layers = 3});
  next = 0;
  std::vector<nn::Recurrent<Cell>> single;
  for (Index in : {kInput, kHidden, kHidden}) {
    single.emplace_back(make, nn::RecurrentOptions{.input = in, .hidden = kHidden});
  }
  Tape tape;
  Tensor y = input();
  for (const auto& layer : single) y = layer(y).outputs;
  const Tensor dy = wave(y.shape(), 10);
  const Gradients expected = tape.backward({{y, dy}});
  const Pause pause;
  Tape other;
  const Tensor outputs = stacked(input()).outputs;
  const Gradients gradients = other.backward({{outputs, dy}});
  EXPECT_EQ(elements(outputs), elements(y));
  std::size_t i = 0;
  const std::vector<Parameter> all = nn::parameters(stacked);
  for (const auto& layer : single) {
    for (const Parameter& p : nn::parameters(layer)) {
      EXPECT_EQ(elements(gradients[all[i++]]), elements(expected[p]));
    }
  }
}

// OpenNMT-py #29: dropout also after the last layer.
TEST(Bug17, DropoutDrawsOneMaskBetweenTwoLayers) {
  for (Index layers : {1, 2, 4}) {
    const auto layer = recurrent<Elman>({.layers = layers, .bidirectional = true, .dropout = 0.5});
    const Random scope(5);
    Tape tape;
    const auto result = layer(input());
    EXPECT_EQ(Random::state(), Rng(5, static_cast<std::uint64_t>(layers - 1)));
    for (double y : elements(result.outputs)) EXPECT_NE(y, 0);
  }
}
TEST(Bug17, DropoutLeavesTheFinalStatesOfALayerAlone) {
  const auto layer = recurrent<Elman>({.layers = 2, .dropout = 1});
  Tape tape;
  const auto result = layer(input());
  for (double h : elements(result.final[0])) EXPECT_NE(h, 0);
}

// Paddle PR #37080, pytorch #190056: p = 0 and p = 1 as special cases gone wrong.
TYPED_TEST(RecurrentBugs, Bug03DropoutOfNothingIsNone) {
  const auto all = [](const auto& result) { return everything(result); };
  const auto plain = recurrent<TypeParam>({.layers = 3});
  const auto zero = recurrent<TypeParam>({.layers = 3, .dropout = 0});
  const auto half = recurrent<TypeParam>({.layers = 3, .dropout = 0.5});
  const auto expected = gradients_of(plain, input(), {}, all);
  expect_same_bits(gradients_of(zero, input(), {}, all), expected);
  expect_same_bits(gradients_of(half, input(), {}, all, false), expected);
  EXPECT_EQ(elements(half(input()).outputs), elements(plain(input()).outputs));
}
TYPED_TEST(RecurrentBugs, Bug04DropoutOfEverythingIsFinite) {
  const auto layer = recurrent<TypeParam>({.layers = 2, .dropout = 1});
  const auto gradients = gradients_of(layer, input(), {}, [](const auto& result) {
    return std::vector<Upstream>{{result.outputs, wave(result.outputs.shape())}};
  });
  for (double g : elements(gradients[0])) EXPECT_EQ(g, 0);
  for (const Tensor& gradient : gradients) {
    for (double g : elements(gradient)) EXPECT_TRUE(std::isfinite(g));
  }
}
TYPED_TEST(RecurrentBugs, Bug04GradientsGoThroughTheMaskThatWasDrawn) {
  const auto layer = recurrent<TypeParam>({.layers = 3, .dropout = 0.4});
  const Parameter x(input(3));
  expect_gradients(
      [&] {
        const Random scope(5);  // the same masks each time
        const Training on(true);
        return layer(Tensor(x)).outputs;
      },
      variables({&x}));
}

// burn PR #5234, #5235: h and c exchanged; the gradient of a bias not summed over the batch.
TEST(Bug18, HAndCKeepTheirPlaces) {
  const auto layer = recurrent<Lstm>({});
  const auto result = layer(input(), {.initial = starts(layer), .states = true});
  EXPECT_EQ(elements(result.states[0].h), elements(result.outputs));
  EXPECT_EQ(elements(result.final[0].h), elements(result.outputs[kTime - 1]));
  EXPECT_EQ(elements(result.final[0].c), elements(result.states[0].c[kTime - 1]));
  EXPECT_GT(largest_difference(result.final[0].c, result.final[0].h), 1e-3);
  auto exchanged = starts(layer);
  std::swap(exchanged[0].h, exchanged[0].c);
  const auto other = layer(input(), {.initial = exchanged});
  EXPECT_GT(largest_difference(other.outputs, result.outputs), 1e-3);
}
TYPED_TEST(RecurrentBugs, Bug18GradientsOfABatchAreTheSumsOfThoseOfItsRows) {
  const auto layer = recurrent<TypeParam>({.layers = 2});
  const Dims shape{kTime, kBatch, kHidden};
  const auto roots = [&](Index from, Index to) {
    return [=](const auto& result) {
      return std::vector<Upstream>{{result.outputs, slice(wave(shape, 10), 1, from, to)}};
    };
  };
  const auto together = gradients_of(layer, input(), {}, roots(0, kBatch));
  std::vector<Tensor> sums;
  for (Index row = 0; row < kBatch; row++) {
    auto alone = gradients_of(layer, row_of(input(), row, kTime), {}, roots(row, row + 1));
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

// pytorch #1811 and six of keras: the reverse direction began in the padding.
TYPED_TEST(RecurrentBugs, Bug19APaddedBatchIsEachSequenceAlone) {
  const Lengths lengths = {3, kTime, 0, 1, 4};
  const auto layer = recurrent<TypeParam>({.layers = 2, .bidirectional = true});
  const Tensor x = input();
  Tensor padded = x;
  for (Index row = 0; row < kBatch; row++) {
    const Index length = lengths[static_cast<std::size_t>(row)];
    padded.set({Range{length, kEnd}, row}, std::numeric_limits<double>::quiet_NaN());
  }
  const auto initial = starts(layer);
  const auto result = layer(padded, {.lengths = lengths, .initial = initial});
  const std::vector<Upstream> given = everything(result);
  const auto together = gradients_of(layer, padded, {.lengths = lengths, .initial = initial},
                                     [](const auto& r) { return everything(r); });
  std::vector<Tensor> sums(together.size());
  for (Index row = 0; row < kBatch; row++) {
    const Index length = lengths[static_cast<std::size_t>(row)];
    const auto start = row_of_state(initial, row);
    const Tensor alone = row_of(x, row, length);
    const auto one = layer(alone, {.initial = start});
    EXPECT_LE(largest_difference(row_of(result.outputs, row, length), one.outputs), 1e-12);
    EXPECT_LE(largest_difference(slice(result.last, 0, row, row + 1), one.last), 1e-12);
    expect_close(tensors_of(row_of_state(result.final, row)), tensors_of(one.final));
    if (length == 0) continue;
    const auto gradients = gradients_of(layer, alone, {.initial = start}, [&](const auto& r) {
      std::vector<Upstream> from = everything(r);
      from[0].dy = row_of(given[0].dy, row, length);
      for (std::size_t i = 1; i < from.size(); i++) {
        from[i].dy = slice(given[i].dy, 0, row, row + 1);
      }
      return from;
    });
    const std::size_t states = tensors_of(initial).size();
    EXPECT_LE(largest_difference(row_of(together[0], row, length), gradients[0]), 1e-12);
    for (std::size_t i = 1; i < gradients.size(); i++) {
      if (i <= states) {
        const Tensor mine = slice(together[i], 0, row, row + 1);
        EXPECT_LE(largest_difference(mine, gradients[i]), 1e-12);
      } else {
        sums[i] = sums[i].defined() ? sums[i] + gradients[i] : gradients[i];
      }
    }
  }
  for (std::size_t i = 1 + tensors_of(initial).size(); i < together.size(); i++) {
    EXPECT_LE(largest_difference(together[i], sums[i]), 1e-12);
  }
  for (Index row = 0; row < kBatch; row++) {
    const Index length = lengths[static_cast<std::size_t>(row)];
    for (double g : elements(slice(slice(together[0], 1, row, row + 1), 0, length, kTime))) {
      EXPECT_EQ(g, 0);
    }
  }
}

// pytorch #50192 and four others: sequences or batches of nothing.
TYPED_TEST(RecurrentBugs, Bug21NoStepsAndNoRowsAreDefined) {
  const auto layer = recurrent<TypeParam>({.layers = 2, .bidirectional = true});
  const auto initial = starts(layer);
  Tape tape;
  const auto watched = watch_all(tape, initial);
  const auto none = layer(input(0), {.initial = watched, .states = true});
  EXPECT_EQ(none.outputs.shape(), (Dims{0, kBatch, 2 * kHidden}));
  EXPECT_EQ(none.last.spec(), zeros({kBatch, 2 * kHidden}, float64).spec());
  EXPECT_EQ(none.states.size(), 4u);
  expect_same_bits(tensors_of(none.final), tensors_of(initial));
  const Tensor first = first_tensor(none.final[0]);
  const Gradients gradients = tape.backward({{first, wave(first.shape())}});
  EXPECT_EQ(elements(gradients[first_tensor(watched[0])]), elements(wave(first.shape())));

  const auto no_rows = layer(tape.watch(input(kTime, 0)));
  EXPECT_EQ(no_rows.outputs.shape(), (Dims{kTime, 0, 2 * kHidden}));
  EXPECT_EQ(no_rows.last.shape(), (Dims{0, 2 * kHidden}));
  const Gradients zero = tape.backward({{no_rows.outputs, no_rows.outputs}});
  for (const Parameter& p : nn::parameters(layer)) {
    EXPECT_EQ(elements(zero[p]), elements(zeros(p.shape())));
  }
}

// IDSIA/brainstorm #109: the rewind of a single step.
TYPED_TEST(RecurrentBugs, Bug22OneStepIsAStepOfTheCell) {
  const auto layer = recurrent<TypeParam>({.layers = 2});
  const auto initial = starts(layer);
  const auto roots = [](const auto& result) {
    return std::vector<Upstream>{{result.outputs, wave(result.outputs.shape(), 10)}};
  };
  const auto gradients = gradients_of(layer, input(1), {.initial = initial}, roots);
  Tape tape;
  const Tensor x = tape.watch(input(1));
  const auto [state, output] = layer.step(x[0], watch_all(tape, initial));
  const Gradients expected = tape.backward({{output, wave({1, kBatch, kHidden}, 10)[0]}});
  EXPECT_EQ(elements(layer(input(1), {.initial = initial}).last), elements(output));
  EXPECT_EQ(elements(gradients[0]), elements(expected[x]));
}

// candle PR #2542: [batch, time * hidden] for [batch, time, hidden]; #2351: other names and layouts
// than those that weights were imported from.
TYPED_TEST(RecurrentBugs, Bug23BatchFirstIsTheSameTransposed) {
  const nn::RecurrentOptions options{.layers = 2, .bidirectional = true};
  nn::RecurrentOptions transposed = options;
  transposed.batch_first = true;
  const auto layer = recurrent<TypeParam>(options);
  const auto other = recurrent<TypeParam>(transposed);
  const Lengths lengths = {3, kTime, 0, 1, 4};
  const Tensor reset = mask({kTime, kBatch}, {2 * kBatch + 1, 3 * kBatch + 4});
  const auto a = layer(input(), {.lengths = lengths, .reset = reset, .states = true});
  const auto b = other(transpose(input(), 0, 1),
                       {.lengths = lengths, .reset = transpose(reset), .states = true});
  EXPECT_EQ(a.outputs.shape(), (Dims{kTime, kBatch, 2 * kHidden}));
  EXPECT_EQ(b.outputs.shape(), (Dims{kBatch, kTime, 2 * kHidden}));
  EXPECT_EQ(elements(transpose(b.outputs, 0, 1)), elements(a.outputs));
  EXPECT_EQ(elements(b.last), elements(a.last));
  expect_same_bits(tensors_of(b.final), tensors_of(a.final));
  for (std::size_t i = 0; i < a.states.size(); i++) {
    EXPECT_EQ(elements(transpose(first_tensor(b.states[i]), 0, 1)),
              elements(first_tensor(a.states[i])));
  }
}
TEST(Bug23, ParametersHavePyTorchsNamesAndShapes) {
  const auto layer = recurrent<Lstm>({.layers = 2, .bidirectional = true});
  std::vector<std::string> names;
  for (const auto& p : nn::named_parameters(layer)) {
    names.push_back(p.name + " " + to_string(p.parameter.shape()));
  }
  const std::vector<std::string> expected = {"weight_ih_l0 [16, 3]",
                                             "weight_hh_l0 [16, 4]",
                                             "bias_ih_l0 [16]",
                                             "bias_hh_l0 [16]",
                                             "weight_ih_l0_reverse [16, 3]",
                                             "weight_hh_l0_reverse [16, 4]",
                                             "bias_ih_l0_reverse [16]",
                                             "bias_hh_l0_reverse [16]",
                                             "weight_ih_l1 [16, 8]",
                                             "weight_hh_l1 [16, 4]",
                                             "bias_ih_l1 [16]",
                                             "bias_hh_l1 [16]",
                                             "weight_ih_l1_reverse [16, 8]",
                                             "weight_hh_l1_reverse [16, 4]",
                                             "bias_ih_l1_reverse [16]",
                                             "bias_hh_l1_reverse [16]"};
  EXPECT_EQ(names, expected);
}

// Sanitizers keep memory that was let go, and books of their own.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

std::size_t resident_bytes() {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// pytorch #2198: a hidden state that is carried on keeps all that it was computed from.
TEST(Bug32, ACarriedStateKeepsNothingAlive) {
  const auto layer = recurrent<Lstm>({.layers = 2});
  const Tensor x = input(2, 2);
  auto state = layer.initial(2);
  const auto steps = [&](int count) {
    for (int i = 0; i < count; i++) {
      Tape tape;
      auto result = layer(x, {.initial = state});
      state = std::move(result.final);
      tape.backward({{result.outputs, result.outputs}});
    }
  };
  steps(200);
  const std::size_t blocks = memory::blocks_in_use();
  const std::size_t resident = resident_bytes();
  steps(10'000);
  EXPECT_EQ(memory::blocks_in_use(), blocks);
  const std::size_t after = std::max(resident, resident_bytes());
  EXPECT_TRUE(kSanitized || after - resident < std::size_t{1} << 20) << after - resident;
}

// AiDotNet.Tensors PR #684, ngraph PR #3006: masks and first weights that depend on the threads.
TEST(Bug41, MasksAndFirstWeightsAreTheSameForAnyNumberOfThreads) {
  const auto run = [](int threads) {
    const Threads limit(threads);
    Rng rng(3);
    const nn::Recurrent<nn::GRUCell> layer({.input = 3, .hidden = 96, .layers = 2, .dropout = 0.5},
                                           rng);
    const Random scope(4);
    Tape tape;
    const Tensor y = layer(cast(input(4, 64), float32)).outputs;
    return std::vector<Tensor>{y, nn::parameters(layer)[1].value()};
  };
  const auto expected = run(1);
  for (int threads : {2, 3, 5, 8, 16}) expect_same_bits(run(threads), expected);
}

}  // namespace
}  // namespace rw::test
