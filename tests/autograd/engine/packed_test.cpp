// Packed weights: remembered, shared, and never those of numbers that were since written to.
#include "rewind/autograd/engine/run/packed.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "autograd/engine/ramp.h"
#include "rewind/autograd/scan.h"
#include "rewind/nn/lstm.h"
#include "rewind/nn/parameters.h"
#include "rewind/nn/recurrent.h"
#include "rewind/optim/sgd.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/memory.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/views.h"
#include "support/compare.h"

namespace rw::engine {
namespace {

using test::ramp;

Tensor packed_matmul(const Tensor& a, const Tensor& w) {
  return times_packed(a, packed(w), w.dim(1));
}

TEST(Packed, TheSameNumbersArePackedOnce) {
  const Tensor w = ramp({5, 20});
  const Tensor form = packed(w);
  EXPECT_TRUE(packed(w).shares_storage_with(form));
  EXPECT_TRUE(packed(transpose(transpose(w))).shares_storage_with(form));
  EXPECT_FALSE(packed(transpose(w)).shares_storage_with(form));
  EXPECT_FALSE(packed(slice(w, 0, 0, 4)).shares_storage_with(form));
}

TEST(Packed, AWriteMakesAnotherForm) {
  const Tensor x = ramp({3, 5});
  Tensor w = ramp({5, 20});
  for (int i = 0; i < 10; i++) {
    EXPECT_LE(largest_difference(packed_matmul(x, w), matmul(x, w)), 1e-5) << i;
    w.mutable_span<float>()[static_cast<std::size_t>(7 * i)] += 1;
    EXPECT_LE(largest_difference(packed_matmul(x, w), matmul(x, w)), 1e-5) << i;
    w.set(i % 5, 3.0);
  }
}

// Memory that is let go is given out again: the same address must not mean the same numbers.
TEST(Packed, NumbersThatCameToTheSamePlaceAreOthers) {
  const Tensor x = ramp({3, 5});
  for (int i = 0; i < 50; i++) {
    Tensor w = ramp({5, 20});
    w = w * static_cast<double>(i);
    EXPECT_LE(largest_difference(packed_matmul(x, w), matmul(x, w)), 1e-4) << i;
  }
}

TEST(Packed, MemoryOfACallerMayComeBackWithOtherNumbers) {
  const Tensor x = ramp({3, 5});
  std::vector<float> numbers(100);
  for (int i = 0; i < 5; i++) {
    for (float& v : numbers) v = static_cast<float>(i);
    const Tensor w = Tensor::foreign(numbers.data(), {{5, 20}}, {20, 1}, {});
    EXPECT_LE(largest_difference(packed_matmul(x, w), matmul(x, w)), 1e-5) << i;
  }
}

// Everything that a program may do to weights, in any order: after each act every weight is
// multiplied by, most of them in forms that were packed before.
TEST(Packed, IsNeverThatOfOtherNumbersWhateverIsDoneToWeights) {
  const Tensor x = ramp({3, 6});
  std::vector<Tensor> weights;
  for (int i = 0; i < 6; i++) weights.push_back(ramp({6, 6}) * static_cast<double>(i + 1));
  std::uint64_t state = 1;
  const auto dice = [&](std::size_t sides) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return static_cast<std::size_t>(state >> 11) % sides;
  };
  const auto act = [&](Tensor& w, const Tensor& other) {
    const auto row = static_cast<Index>(dice(6));
    switch (dice(11)) {
      case 0:
        w.mutable_span<float>()[dice(36)] += 1;
        break;
      case 1:
        w.set(row, 0.5);
        break;
      case 2:
        w.set(row, other[5 - row]);
        break;
      case 3:
        w = other;  // shared until one of them is written
        break;
      case 4:
        w = transpose(other);
        break;
      case 5:
        w = slice(concat({other, w}, 0), 0, row, row + 6);
        break;
      case 6:
        w = std::move(w) * 0.5;  // in place where nobody else holds it
        break;
      case 7:
        w = slice_add(std::move(w), slice(other, 0, 0, 2), 0, row > 4 ? 4 : row,
                      row > 4 ? 6 : row + 2);
        break;
      case 8:
        w = Tensor();
        w = other + 0.25;
        break;
      case 9: {
        Tensor before = w;  // held by somebody while the weight goes on
        w.mutable_span<float>()[dice(36)] -= 1;
        EXPECT_LE(largest_difference(packed_matmul(x, before), matmul(x, before)), 1e-4);
        break;
      }
      default: {
        Tensor view = reshape(w, {36});
        view.set(static_cast<Index>(dice(36)), -1.0);
        break;
      }
    }
  };
  for (int i = 0; i < 3000; i++) {
    const std::size_t k = dice(weights.size());
    const Tensor other = weights[dice(weights.size())];
    act(weights[k], other);
    if (dice(8) == 0) weights[k] = ramp({6, 6});  // not to grow without end
    for (const Tensor& w : weights) {
      ASSERT_LE(largest_difference(packed_matmul(x, w), matmul(x, w)), 1e-4) << "act " << i;
    }
  }
}

TEST(Packed, FormsOfNumbersThatAreGoneAreForgotten) {
  const Tensor held = ramp({4, 4});
  packed(held);
  packed(ramp({4, 4}));  // lets go what earlier tests left
  const std::size_t before = remembered_forms();
  for (int i = 0; i < 100; i++) packed(ramp({4, 4}));
  EXPECT_LE(remembered_forms(), before);
}

// Makes forms again and again, and lets go what they were made of.
void expect_nothing_is_left(const std::function<void()>& make_forms) {
  const Tensor held = ramp({4, 4});
  packed(held);  // lets go what earlier tests left
  make_forms();
  packed(transpose(held));
  const std::size_t before = remembered_forms(), bytes = memory::bytes_in_use();
  for (int i = 0; i < 20; i++) make_forms();
  packed(slice(held, 1, 0, 3));
  EXPECT_EQ(remembered_forms(), before + 1);
  EXPECT_LE(memory::bytes_in_use(), bytes + 4096);
}

TEST(Packed, FormsOfSeveralViewsOfOneTensorAreForgottenWithIt) {
  expect_nothing_is_left([] {
    const Tensor u = ramp({2, 64, 64});
    packed(u[0]);
    packed(u[1]);
  });
}

TEST(Packed, FormsOfATensorAndOfAPartOfItAreForgottenWithIt) {
  expect_nothing_is_left([] {
    const Tensor w = ramp({64, 64});
    packed(w);
    packed(slice(w, 1, 0, 16));
    packed(transpose(w));
  });
}

TEST(Packed, AFormThatIsMadeOfTwoPartsOfATensorIsForgottenWithIt) {
  Recipe sum;
  const ValueId a = sum.graph.leaf({{64, 64}}), b = sum.graph.leaf({{64, 64}});
  sum.result = sum.graph.apply(Operation::of(Add{}), {a, b});
  const auto recipe = std::make_shared<const Recipe>(std::move(sum));
  expect_nothing_is_left([&] {
    const Tensor u = ramp({2, 64, 64});
    packed(recipe, {u[0], u[1]});
  });
}

TEST(Packed, FormsOfWeightsThatAreStackedInOneAreForgottenAfterUpdates) {
  const Parameter u(ramp({2, 16, 16}), "u");
  std::vector<Parameter> all;
  all.push_back(u.tie());
  optim::SGD sgd(std::move(all), {.learning_rate = 1e-3});
  const Tensor x = ramp({4, 8, 16});
  const auto update = [&] {
    Tape tape;
    const Tensor both = u;
    const auto step = [&](const Tensor& now, const Tensor& h) {
      return tanh(matmul(now, both[0]) + matmul(h, both[1]));
    };
    sgd.step(tape.backward(mean(scan(step, x, zeros({8, 16})).outputs)));
  };
  update();
  update();
  const std::size_t before = remembered_forms();
  for (int i = 0; i < 20; i++) update();
  EXPECT_LE(remembered_forms(), before);
}

// Whoever holds a part may make a view of it again, and ask for its form.
TEST(Packed, AFormIsKnownAsLongAsAnyPartOfItsNumbersIsHeld) {
  Tensor part, form;
  {
    const Tensor u = ramp({2, 4, 4});
    form = packed(u[0]);
    packed(u[1]);
    part = slice(u[0], 0, 1, 2);
  }
  packed(ramp({4, 4}));
  EXPECT_TRUE(packed(part.view({4, 4}, {4, 1}, -4)).shares_storage_with(form));
}

// Each thread lets go, and makes again, the views by which it holds one tensor.
TEST(Packed, NoFormIsForgottenWhileAThreadHoldsItsNumbers) {
  Tensor all = ramp({4, 5, 20});
  std::vector<Tensor> own, forms;
  for (Index i = 0; i < 4; i++) own.push_back(all[i]);
  for (const Tensor& w : own) forms.push_back(packed(w));
  all = Tensor();
  std::vector<std::thread> threads;
  std::vector<int> others(4);
  for (std::size_t i = 0; i < 4; i++) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 2000; k++) {
        own[i] = own[i].view({5, 20}, {20, 1}, 0);
        others[i] += !packed(own[i]).shares_storage_with(forms[i]);
      }
      own[i] = Tensor();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(others, std::vector<int>(4, 0));
}

TEST(Packed, MemoryOfACallerIsGivenBackWhenAnotherIsAskedFor) {
  std::vector<float> memory(16, 0.5f);
  bool released = false;
  packed(from_blob(memory.data(), {4, 4}, [&] { released = true; }));
  EXPECT_FALSE(released);
  const Tensor known = ramp({4, 4});
  packed(known);
  EXPECT_TRUE(released);
  released = false;
  packed(from_blob(memory.data(), {4, 4}, [&] { released = true; }));
  packed(known);  // is found, and nothing is made
  EXPECT_TRUE(released);
}

TEST(Packed, ThreadsShareForms) {
  const Tensor x = ramp({3, 5}), w = ramp({5, 20});
  const Tensor expected = packed_matmul(x, w);
  std::vector<std::thread> threads;
  std::vector<double> differences(4);
  for (std::size_t i = 0; i < 4; i++) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 50; k++) {
        const Tensor own = ramp({5, 20});
        differences[i] += largest_difference(packed_matmul(x, k % 2 ? w : own), expected);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(differences, std::vector<double>(4, 0.0));
}

// A layer that learns, beside plain loops over the same weights at every step.
TEST(Packed, FollowsTheWeightsThroughUpdates) {
  Rng rng(2);
  nn::Recurrent<nn::LSTMCell> layer({.input = 3, .hidden = 6}, rng);
  optim::SGD sgd(nn::parameters(layer), {.learning_rate = 0.5});
  const Tensor x = ramp({7, 2, 3});
  auto stream = layer.stream(2);
  for (int i = 0; i < 5; i++) {
    const Tensor planned = layer(x).outputs;
    const Tensor plain = [&] {
      const PlainLoops plainly;
      return layer(x).outputs;
    }();
    EXPECT_LE(largest_difference(planned, plain), 1e-6) << i;
    stream.set_state(layer.initial(2));
    EXPECT_EQ(largest_difference(stream.run(x), planned), 0) << i;
    Tape tape;
    const Tensor outputs = layer(x).outputs;
    sgd.step(tape.backward({{outputs, ramp({7, 2, 6})}}));
  }
}

// Copies share their numbers until one of them learns; each thread then has weights of its own, in
// places that others may have let go a moment ago.
TEST(Packed, IsNeverStaleWhileThreadsTrainCopiesOfOneModel) {
  Rng rng(2);
  using Layer = nn::Recurrent<nn::LSTMCell>;
  const Layer model({.input = 3, .hidden = 6}, rng);
  std::vector<std::thread> threads;
  std::vector<double> differences(4);
  for (std::size_t i = 0; i < 4; i++) {
    threads.emplace_back([&, i] {
      const Tensor x = ramp({7, 2, 3}) * static_cast<double>(i + 1);
      const auto compare = [&](const Layer& layer) {
        const Tensor planned = layer(x).outputs;
        const PlainLoops plainly;
        differences[i] = std::max(differences[i], largest_difference(planned, layer(x).outputs));
      };
      for (int copy = 0; copy < 3; copy++) {
        Layer mine = model;
        optim::SGD sgd(nn::parameters(mine), {.learning_rate = 0.5 / static_cast<double>(i + 1)});
        for (int k = 0; k < 8; k++) {
          compare(mine);
          Tape tape;
          const Tensor outputs = mine(x).outputs;
          sgd.step(tape.backward({{outputs, ramp({7, 2, 6})}}));
          const Pause pause;
          compare(mine);
          compare(model);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const double difference : differences) EXPECT_LE(difference, 1e-6);
}

}  // namespace
}  // namespace rw::engine
