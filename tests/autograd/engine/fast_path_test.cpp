// What the loop of built-in cells is made of, whatever is asked of it.
#include <gtest/gtest.h>

#include <sstream>

#include "rewind/autograd/explain.h"
#include "rewind/nn/elman.h"
#include "rewind/nn/gru.h"
#include "rewind/nn/lstm.h"
#include "rewind/nn/recurrent.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/regions.h"
#include "rewind/tensor/select.h"

namespace rw::test {
namespace {

// Packed products, element programs and copies, of rows that workers share.
template <class Cell>
void expect_the_fast_path(int products) {
  Rng rng(1);
  const nn::Recurrent<Cell> layer({.input = 3, .hidden = 64}, rng);
  const Threads two(2);
  Tensor reset = zeros({6, 32}, boolean);
  reset.set(3, true);
  Lengths lengths;
  for (Index row = 0; row < 32; row++) lengths.push_back(row % 7);
  const std::string text = explain([&] {
    layer(zeros({6, 32, 3}), {.lengths = lengths, .reset = reset});
  });
  EXPECT_EQ(text.find("    ordinary "), std::string::npos) << text;
  EXPECT_EQ(text.find(": no lengths"), std::string::npos) << text;
  int found = 0, sharing = 0;
  std::stringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  rows: ")) {
      sharing++;
      EXPECT_NE(line.find("16 for each of 2 workers"), std::string::npos) << line;
    }
    if (!line.starts_with("    product ")) continue;
    found++;
    EXPECT_NE(line.find(" packed"), std::string::npos) << line;
  }
  EXPECT_EQ(found, products) << text;
  EXPECT_EQ(sharing, 2) << text;  // forward and back
}

// Units that keep their state, the same ones at all steps.
TEST(Explain, ACapturedMaskStaysOnTheFastPath) {
  const Threads two(2);
  const Tensor w = zeros({64, 64}), mask = zeros({32, 64}, boolean);
  const auto step = [&](const Tensor& x, const Tensor& h) {
    return where(mask, h, tanh(x + matmul(h, w)));
  };
  const std::string text = explain(step, zeros({4, 32, 64}), zeros({32, 64}));
  EXPECT_EQ(text.find("    ordinary "), std::string::npos) << text;
  EXPECT_NE(text.find("16 for each of 2 workers"), std::string::npos) << text;
}

TEST(Explain, ResetsAndLengthsStayOnTheFastPath) {
  expect_the_fast_path<nn::LSTMCell>(2);
  expect_the_fast_path<nn::GRUCell>(2);
  expect_the_fast_path<nn::ElmanCell>(2);
}

}  // namespace
}  // namespace rw::test
