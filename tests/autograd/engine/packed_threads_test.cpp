// Packed weights that several threads ask for, while some of them train.
#include <gtest/gtest.h>

#include <chrono>
#include <latch>
#include <thread>

#include "autograd/engine/looks_at.h"
#include "autograd/engine/ramp.h"
#include "rewind/autograd/engine/run/packed.h"
#include "rewind/nn/lstm.h"
#include "rewind/nn/parameters.h"
#include "rewind/nn/recurrent.h"
#include "rewind/optim/sgd.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/matmul.h"
#include "support/compare.h"

namespace rw::engine {
namespace {

using test::ramp;

// Each thread lets go, and makes again, the views by which it holds one tensor.
TEST(PackedThreads, NoFormIsForgottenWhileAThreadHoldsItsNumbers) {
  Tensor all = ramp({4, 5, 20});
  std::vector<Tensor> own, forms;
  for (Index i = 0; i < 4; i++) own.push_back(all[i]);
  for (const Tensor& w : own) forms.push_back(packed_form(w));
  all = Tensor();
  std::vector<std::thread> threads;
  std::vector<int> others(4);
  for (std::size_t i = 0; i < 4; i++) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 2000; k++) {
        own[i] = own[i].view({5, 20}, {20, 1}, 0);
        others[i] += !packed_form(own[i]).shares_storage_with(forms[i]);
      }
      own[i] = Tensor();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(others, std::vector<int>(4, 0));
}

// They ask at the same moment for what nobody has asked for before, and what takes a while to make.
TEST(PackedThreads, ShareOneForm) {
  constexpr std::size_t kThreads = 4;
  Recipe slow;
  const ValueId leaf = slow.graph.leaf({{5, 20}});
  slow.result = slow.graph.apply(Operation::of(test::LooksAt{}), {leaf});
  const auto recipe = std::make_shared<const Recipe>(std::move(slow));
  const auto at_once = test::LooksAt::in_passing;
  test::LooksAt::in_passing = [] { std::this_thread::sleep_for(std::chrono::milliseconds(10)); };
  const Tensor held = ramp({4, 4}), x = ramp({3, 5});
  for (int round = 0; round < 5; round++) {
    const Tensor w = ramp({5, 20});
    packed_form(held);  // lets go what was made of other weights
    const std::size_t before = remembered_forms();
    std::latch start(kThreads);
    std::vector<Tensor> forms(kThreads);
    std::vector<std::thread> threads;
    for (Tensor& form : forms) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        form = packed_form(recipe, {w});
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(remembered_forms(), before + 1) << "round " << round;
    for (const Tensor& form : forms) {
      EXPECT_TRUE(form.shares_storage_with(forms[0])) << "round " << round;
      EXPECT_LE(largest_difference(times_packed(x, form, 20), matmul(x, w)), 1e-5);
    }
  }
  test::LooksAt::in_passing = at_once;
}

// Copies share their numbers until one of them learns; each thread then has weights of its own, in
// places that others may have let go a moment ago.
TEST(PackedThreads, IsNeverStaleWhileThreadsTrainCopiesOfOneModel) {
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
