// What a loop writes over: only what nobody reads any more.
#include "rewind/autograd/engine/compile/in_place.h"

#include <gtest/gtest.h>

#include "autograd/engine/cells.h"
#include "rewind/autograd/explain.h"

namespace rw::test {
namespace {

TEST(InPlace, SlicesAreBesideEachOtherWhereTheyShareNothing) {
  const Slice mine{1, 5, 10, 1};
  const auto beside = [&](const auto& op) {
    return engine::is_slice_beside(engine::Operation::of(op), mine);
  };
  EXPECT_TRUE(beside(Slice{1, 0, 5, 1}));
  EXPECT_TRUE(beside(Slice{1, 10, 12, 1}));
  EXPECT_TRUE(beside(Slice{1, 10, 16, 3}));
  EXPECT_FALSE(beside(Slice{1, 0, 6, 1}));
  EXPECT_FALSE(beside(Slice{1, 9, 12, 1}));
  EXPECT_FALSE(beside(Slice{1, 6, 8, 1}));
  EXPECT_FALSE(beside(Slice{0, 0, 5, 1}));
  EXPECT_FALSE(beside(Slice{0, 10, 12, 1}));
  EXPECT_FALSE(beside(Select{1, 0}));
}

// Sums that are there for all steps before the loop, which gates may go over.
Tensor sums_of(const Tensors& x, const Tensors& s, const Tensors& w) {
  return matmul(x[0], w[0]) + matmul(s[0], w[1]);
}

void expect_the_plain_loop_of_sums(Index width,
                                   Results (*step)(const Tensors& x, const Tensors& s,
                                                   const Tensors& w),
                                   const std::string& name) {
  expect_the_plain_loop({inputs(), states({H}), weights({{I, width}, {H, width}}), step}, name);
}

TEST(InPlace, WhatIsGivenToTheCallerStays) {
  const auto whole = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor z = sums_of(x, s, w), a = tanh(part(z, 0)), b = sigmoid(part(z, 1));
    return {one(a * b), {a, b, z}};
  };
  expect_the_plain_loop_of_sums(2 * H, whole, "whole");
  const auto a_part = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor z = sums_of(x, s, w), a = tanh(part(z, 0)), b = sigmoid(part(z, 1));
    return {one(a * b), {a, b, part(z, 0)}};
  };
  expect_the_plain_loop_of_sums(2 * H, a_part, "a part");
  const auto single = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor z = sums_of(x, s, w), a = tanh(z);
    return {one(a), {a, z}};
  };
  expect_the_plain_loop_of_sums(H, single, "single");
}

TEST(InPlace, PartsThatOverlapStay) {
  const auto columns = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor z = sums_of(x, s, w);
    const Tensor a = tanh(slice(z, 1, 0, H)), b = sigmoid(slice(z, 1, H - 1, 2 * H - 1));
    return {one(a * b), {a, b}};
  };
  expect_the_plain_loop_of_sums(2 * H, columns, "columns");
  const auto of_a_part = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor z = reshape(slice(sums_of(x, s, w), 1, H, 3 * H), {B, 2 * H, 1});
    const Tensor a = tanh(slice(z, 1, 0, H)), b = sigmoid(slice(z, 1, H - 1, 2 * H - 1));
    return {one(reshape(a * b, {B, H})), {a, b}};
  };
  expect_the_plain_loop_of_sums(3 * H, of_a_part, "of a part");
}

// What is wider than a part does not fit in its place.
TEST(InPlace, WhatAPartIsSpreadOverLiesElsewhere) {
  const auto step = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
    const Tensor z = sums_of(x, s, w), moved = slice(z, 1, 0, 1) + s[0];
    return {one(tanh(matmul(moved, w[2])) + slice(z, 1, 1, H + 1)), one(moved)};
  };
  expect_the_plain_loop({inputs(), states({H}), weights({{I, H + 1}, {H, H + 1}, {H, H}}), step},
                        "spread");
}

// Forward, or on the way back: a product of one column, or of one row, added to more.
TEST(InPlace, AProductOfOneColumnIsSpreadOverASum) {
  const auto expect = [](const char* name, auto next) {
    const auto step = [next](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
      const Tensor h = next(matmul(x[0], w[0]), s[0], w);
      return {one(h), one(h)};
    };
    const ScanCase c{inputs(), states({H}), weights({{I, H}, {H, 1}, {1, H}, {H}}), step};
    expect_the_plain_loop(c, name);
  };
  using In = const Tensor&;
  expect("a column", [](In, In h, const Tensors& w) { return tanh(0.3 * h + matmul(h, w[1])); });
  expect("a column and x",
         [](In x, In h, const Tensors& w) { return x * 0.5 + (0.3 * h + matmul(h, w[1])); });
  expect("a vector", [](In x, In h, const Tensors& w) {
    return tanh(x) + (0.3 * h + unsqueeze(matmul(h, w[3]), 1)) * 0.4;
  });
  expect("a row", [](In x, In h, const Tensors& w) {
    return tanh(x + matmul(sum(h, 1, true), w[2]) * 0.2 + h * h * 0.1);
  });
}

// Two states of one buffer: only the one that fills it changes places with its next one.
TEST(InPlace, AStateMayBeAPartOfAnother) {
  const auto step = [](const Tensors&, const Tensors& s, const Tensors& w) -> Results {
    const Tensor y = tanh(matmul(s[1], w[0]) + matmul(s[0], w[1]));
    const Tensor c = softmax(y, -1) + 0.5 * s[2];
    return {{slice(y, 1, 0, H), y, c}, one(c)};
  };
  const ScanCase c{inputs(), states({H, 2 * H, 2 * H}), weights({{2 * H, 2 * H}, {H, 2 * H}}),
                   step};
  expect_the_plain_loop(c, "part");
  const auto outputs = [&] {  // where nothing is remembered for a rewind
    return scan([&](const Tensors& x, const Tensors& s) { return c.step(x, s, c.weights); }, c.xs,
                c.initial)
        .outputs[0];
  };
  const Tensor planned = outputs();
  const PlainLoops plainly;
  EXPECT_LE(largest_difference(planned, outputs()), 1e-12);
}

// One product onto what stands there before the loop, and one onto both.
TEST(InPlace, GatesGoOverSumsOfSeveralProducts) {
  const Tensors w = weights({{I, H}, {H, H}, {H, H}});
  const auto step = [&](const Tensor& x, const Tensor& h) {
    Tensor z = matmul(x, w[0]);
    z = z + matmul(h, w[1]);
    z = z + matmul(sigmoid(h), w[2]);
    return tanh(z) * h;
  };
  const std::string text = explain(step, inputs()[0], states({H})[0]);
  EXPECT_NE(text.find("%7 = tanh(%6)"), std::string::npos) << text;
  EXPECT_NE(text.find("%6 over %1, %7 over %1\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace rw::test
