// All states of all steps, and the gradients with respect to each of them.
#include <gtest/gtest.h>

#include "nn/recurrent_kinds.h"

namespace rw::test {
namespace {

template <class Kind>
class RecurrentStates : public testing::Test {};
TYPED_TEST_SUITE(RecurrentStates, Kinds, KindNames);

template <class Result>
std::vector<Upstream> at_states(const Result& result) {
  std::vector<Upstream> from;
  double phase = 30;
  for (const Tensor& x : tensors_of(result.states)) {
    from.push_back({x, wave(x.shape(), phase += 1)});
  }
  return from;
}

TYPED_TEST(RecurrentStates, PassTheGradientsOfThePlainLoop) {
  using Call = nn::RecurrentCall<typename TypeParam::Cell::State>;
  const auto check = [](const auto& layer, Call call) {
    call.initial = starts(layer);
    call.states = true;
    const auto roots = [](const auto& result) { return at_states(result); };
    const auto planned = gradients_of(layer, layer_input(), call, roots);
    const PlainLoops plainly;
    expect_close(planned, gradients_of(layer, layer_input(), call, roots));
  };
  const Tensor reset = mask({kTime, kBatch}, {5, 12, 17, 23});
  for (const Lengths& lengths : {Lengths(), Lengths{6, 0, 3, 5, 1}, Lengths{2, 1, 0, 0, 3}}) {
    const auto both = recurrent<TypeParam>({.layers = 3, .bidirectional = true});
    check(both, Call{.lengths = lengths});
    check(both, Call{.lengths = lengths, .reset = reset});
    const auto one = recurrent<TypeParam>({.layers = 2, .residual = true});
    check(one, Call{.lengths = lengths, .reset = reset, .reverse = true});
  }
}

// What the loss takes from the states as such: a watched result.
TEST(RecurrentStates, HaveTheGradientsThatArriveAtThem) {
  const auto layer = recurrent<Lstm>({});
  Tape tape;
  auto result = layer(layer_input(), {.states = true});
  tape.watch(result.states[0].c);
  const Tensor share = wave(result.states[0].c.shape(), 5);
  const Gradients gradients = tape.backward(sum(result.states[0].c * share));
  EXPECT_EQ(elements(gradients[result.states[0].c]), elements(share));
}

struct Nudged {
  Tensor x, h, c;
};

// What a change of c after step t would do to the loss, through all later steps too: the gradient
// of something that is added to it there, and is zero.
TEST(RecurrentStates, AnswerToWhatIsAddedToThem) {
  Rng rng(4);
  nn::LSTMCell cell(kInput, kHidden, rng);
  nn::to(cell, float64);
  const nn::LSTMCell::State start = cell.initial(kBatch);
  const Dims shape{kTime, kBatch, kHidden};
  const Lengths lengths{6, 0, 3, 5, 1};
  const auto loss_of = [](const auto& result) {
    return sum(result.final.c * wave({kBatch, kHidden}, 3)) +
           sum(result.outputs * wave({kTime, kBatch, kHidden}, 4));
  };
  Tape tape;
  const Nudged in{layer_input(), tape.watch(zeros(shape, float64)),
                  tape.watch(zeros(shape, float64))};
  const auto nudged = [&](const Nudged& at, const nn::LSTMCell::State& s) {
    const nn::LSTMCell::State next = cell.step(at.x, s);
    return nn::LSTMCell::State{next.h + at.h, next.c + at.c};
  };
  const Gradients gradients = tape.backward(loss_of(scan(nudged, in, start, {.lengths = lengths})));

  std::vector<nn::LSTMCell::State> seen;
  const auto watching = [&](const Tensor& x, const nn::LSTMCell::State& s) {
    const nn::LSTMCell::State next = cell.step(x, s);
    const Tensor handed_on = next.c * 1.0;  // h of this step does not depend on it
    seen.push_back({tape.watch(next.h), tape.watch(handed_on)});
    return seen.back();
  };
  const Tensor loss = loss_of(loop(watching, layer_input(), start, {.lengths = lengths}));
  const Gradients plain = tape.backward(loss);
  ASSERT_EQ(seen.size(), static_cast<std::size_t>(kTime));
  for (std::size_t t = 0; t < seen.size(); t++) {
    const auto step = static_cast<Index>(t);
    EXPECT_LE(largest_difference(gradients[in.h][step], plain[seen[t].h]), 1e-12) << t;
    EXPECT_LE(largest_difference(gradients[in.c][step], plain[seen[t].c]), 1e-12) << t;
  }
}

}  // namespace
}  // namespace rw::test
