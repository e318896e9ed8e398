// Packed weights are forgotten with the numbers that they were made of, and no earlier.
#include <gtest/gtest.h>

#include <functional>

#include "autograd/engine/ramp.h"
#include "rewind/autograd/engine/run/packed.h"
#include "rewind/autograd/scan.h"
#include "rewind/autograd/tape.h"
#include "rewind/optim/sgd.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/memory.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/views.h"

namespace rw::engine {
namespace {

using test::ramp;

TEST(PackedForgotten, FormsOfNumbersThatAreGoneAreForgotten) {
  const Tensor held = ramp({4, 4});
  packed_form(held);
  packed_form(ramp({4, 4}));  // lets go what earlier tests left
  const std::size_t before = remembered_forms();
  for (int i = 0; i < 100; i++) packed_form(ramp({4, 4}));
  EXPECT_LE(remembered_forms(), before);
}

// Makes forms again and again, and lets go what they were made of.
void expect_nothing_is_left(const std::function<void()>& make_forms) {
  const Tensor held = ramp({4, 4});
  packed_form(held);  // lets go what earlier tests left
  make_forms();
  packed_form(transpose(held));
  const std::size_t before = remembered_forms(), bytes = memory::bytes_in_use();
  for (int i = 0; i < 20; i++) make_forms();
  packed_form(slice(held, 1, 0, 3));
  EXPECT_EQ(remembered_forms(), before + 1);
  EXPECT_LE(memory::bytes_in_use(), bytes + 4096);
}

TEST(PackedForgotten, FormsOfSeveralViewsOfOneTensorAreForgottenWithIt) {
  expect_nothing_is_left([] {
    const Tensor u = ramp({2, 64, 64});
    packed_form(u[0]);
    packed_form(u[1]);
  });
}

TEST(PackedForgotten, FormsOfATensorAndOfAPartOfItAreForgottenWithIt) {
  expect_nothing_is_left([] {
    const Tensor w = ramp({64, 64});
    packed_form(w);
    packed_form(slice(w, 1, 0, 16));
    packed_form(transpose(w));
  });
}

TEST(PackedForgotten, AFormThatIsMadeOfTwoPartsOfATensorIsForgottenWithIt) {
  Recipe sum;
  const ValueId a = sum.graph.leaf({{64, 64}}), b = sum.graph.leaf({{64, 64}});
  sum.result = sum.graph.apply(Operation::of(Add{}), {a, b});
  const auto recipe = std::make_shared<const Recipe>(std::move(sum));
  expect_nothing_is_left([&] {
    const Tensor u = ramp({2, 64, 64});
    packed_form(recipe, {u[0], u[1]});
  });
}

TEST(PackedForgotten, FormsOfWeightsThatAreStackedInOneAreForgottenAfterUpdates) {
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
TEST(PackedForgotten, AFormIsKnownAsLongAsAnyPartOfItsNumbersIsHeld) {
  Tensor part, form;
  {
    const Tensor u = ramp({2, 4, 4});
    form = packed_form(u[0]);
    packed_form(u[1]);
    part = slice(u[0], 0, 1, 2);
  }
  packed_form(ramp({4, 4}));
  EXPECT_TRUE(packed_form(part.view({4, 4}, {4, 1}, -4)).shares_storage_with(form));
}

TEST(PackedForgotten, MemoryOfACallerIsGivenBackWhenAnotherIsAskedFor) {
  std::vector<float> memory(16, 0.5f);
  bool released = false;
  packed_form(from_blob(memory.data(), {4, 4}, [&] { released = true; }));
  EXPECT_FALSE(released);
  const Tensor known = ramp({4, 4});
  packed_form(known);
  EXPECT_TRUE(released);
  released = false;
  packed_form(from_blob(memory.data(), {4, 4}, [&] { released = true; }));
  packed_form(known);  // is found, and nothing is made
  EXPECT_TRUE(released);
}

}  // namespace
}  // namespace rw::engine
