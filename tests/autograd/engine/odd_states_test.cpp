// States that are odd but legal: that change places, are the input, or views of each other.
#include <gtest/gtest.h>

#include "autograd/engine/in_every_way.h"
#include "autograd/engine/looks_at.h"

namespace rw::test {
namespace {

TEST(OddStates, StatesMayChangePlaces) {
  const auto swapped = [](const Tensors&, const Tensors& s, const Tensors&) -> Results {
    return {{s[1], s[0]}, one(s[0])};
  };
  expect_the_plain_loop_in_every_way({inputs(), states({H, H}), {}, swapped}, "swapped");
  const auto rotated = [](const Tensors&, const Tensors& s, const Tensors&) -> Results {
    return {{s[1], s[2], s[0]}, {s[0], s[0], s[1]}};
  };
  expect_the_plain_loop_in_every_way({inputs(), states({H, H, H}), {}, rotated}, "rotated");
}

TEST(OddStates, OneValueMayBeTwoStates) {
  const auto step = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor h = tanh(matmul(x[0], w[0]) + s[0] * s[1]);
    return {{h, h}, {h, x[0], s[1]}};
  };
  expect_the_plain_loop_in_every_way({inputs(), states({H, H}), weights({{I, H}}), step}, "twice");
}

TEST(OddStates, AnInputMayBeTheNextState) {
  const auto step = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    return {{x[0], tanh(matmul(s[0], w[0]) + s[1])}, {x[0], s[0], s[1]}};
  };
  expect_the_plain_loop_in_every_way({inputs(), states({I, H}), weights({{I, H}}), step}, "input");
}

TEST(OddStates, TheNextStateNeedNotBeMadeOfTheLast) {
  const auto step = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    return {one(tanh(matmul(x[0], w[0]))), one(s[0])};
  };
  expect_the_plain_loop_in_every_way({inputs(), states({H}), weights({{I, H}}), step}, "fresh");
}

// The loop writes the states one after the other, and the memory of the first is that of the
// second.
TEST(OddStates, ANextStateMayBeAViewOfAnother) {
  const Tensors initial{numbers({B, 1, H}, 1), numbers({B, H, 1}, 2)};
  const auto softened = [](const Tensors&, const Tensors& s, const Tensors&) -> Results {
    return {{softmax(s[0] * 2, -1), transpose(s[0], 1, 2)}, one(s[1])};
  };
  expect_the_plain_loop_in_every_way({inputs(), initial, {}, softened}, "view");
  const auto squashed = [](const Tensors&, const Tensors& s, const Tensors&) -> Results {
    return {{tanh(s[0] * 2), transpose(s[0], 1, 2)}, one(s[1])};
  };
  expect_the_plain_loop_in_every_way({inputs(), initial, {}, squashed}, "view of what is written");
}

TEST(OddStates, AnOperationOfAUserMayGiveWhatItTook) {
  const auto a_state = [](const Tensors&, const Tensors& s, const Tensors&) -> Results {
    return {{softmax(s[0] * 2, -1), apply(LooksAt{}, s[0])}, one(s[1])};
  };
  expect_the_plain_loop_in_every_way({inputs(), states({H, H}), {}, a_state}, "a state");
  const auto in_place = [](const Tensors&, const Tensors& s, const Tensors&) -> Results {
    const Tensor a = s[0] * 2;
    const Tensor same = apply(LooksAt{}, a);
    const Tensor over = softmax(tanh(a), -1);  // the last to read a, in whose place it may lie
    return {one(over * 0.5 + same * 0.1), one(same)};
  };
  expect_the_plain_loop_in_every_way({inputs(), states({H}), {}, in_place}, "in place");
}

}  // namespace
}  // namespace rw::test
