// The same bits for a row of the batch wherever it stands in it, and whichever rows stand beside
// it.
#include <gtest/gtest.h>

#include "autograd/engine/wide_cells.h"
#include "rewind/tensor/indexing.h"
#include "support/same_bits.h"

namespace rw::test {
namespace {

using wide::kRows, wide::lengths_of;

class SameBitsOfARow : public testing::TestWithParam<wide::Cell> {};

Tensor rows_of(const Tensor& x, int axis, const std::vector<Index>& rows) {
  const Tensor numbered = take(transpose(x, 0, axis), from_span(rows, {std::ssize(rows)}));
  return contiguous(transpose(numbered, 0, axis));
}

// Inputs, initial states, and the tensors of the step that have rows.
ScanCase rows_of(ScanCase c, const std::vector<Index>& rows) {
  c.xs[0] = rows_of(c.xs[0], 1, rows);
  for (Tensor& s : c.initial) s = rows_of(s, 0, rows);
  c.weights[3] = rows_of(c.weights[3], 0, rows);
  const Lengths all = std::exchange(c.lengths, {});
  for (const Index row : rows) {
    if (!all.empty()) c.lengths.push_back(all[static_cast<std::size_t>(row)]);
  }
  return c;
}

struct OfRows {
  // [time, rows, ...]: outputs and dx; [rows, ...]: states, dh, and the gradient of the tensor of
  // the step that has rows.
  Tensors of_steps, once;
};
OfRows rewound(const ScanCase& c, const std::vector<Index>& rows) {
  ScanCase some = rows_of(c, rows);
  const Random same(5);
  Tape tape;
  const Tensor x = tape.watch(some.xs[0]);
  Tensors initial;
  for (const Tensor& s : some.initial) initial.push_back(tape.watch(s));
  some.weights[3] = tape.watch(some.weights[3]);
  const auto step = [&](const Tensors& in, const Tensors& s) {
    return some.step(in, s, some.weights);
  };
  const auto result =
      scan(step, Tensors{x}, initial, {.lengths = some.lengths, .reverse = some.reverse});
  std::vector<Upstream> upstream;
  const auto ask = [&](const Tensor& y, int axis) {
    const Tensor all = numbers(y.shape().with(axis, kRows), static_cast<double>(upstream.size()));
    upstream.push_back({y, rows_of(cast(all, y.dtype()), axis, rows)});
  };
  for (const Tensor& y : result.outputs) ask(y, 1);
  for (const Tensor& s : result.final) ask(s, 0);
  const Gradients gradients = tape.backward(upstream);
  OfRows found{result.outputs, result.final};
  found.of_steps.push_back(gradients[x]);
  for (const Tensor& s : initial) found.once.push_back(gradients[s]);
  found.once.push_back(gradients[some.weights[3]]);
  return found;
}

// Random numbers belong to the place of a row, and to the number of a step in the order in which
// steps run: where some are drawn, the first rows stay first, and nothing is reversed.
TEST_P(SameBitsOfARow, WhereverItStands) {
  std::vector<Index> as_they_are(kRows), order(kRows);
  for (Index row = 0; row < kRows; row++) {
    as_they_are[static_cast<std::size_t>(row)] = row;
    order[static_cast<std::size_t>(row)] = 35 * row % kRows;
  }
  std::vector<std::vector<Index>> choices{order, {91, 4, 50}, {17}};
  if (GetParam().draws) choices = {{0, 1, 2, 3, 4}, {0}};
  for (const Dtype dtype : {float32, float64}) {
    for (const bool lengths : {false, true}) {
      if (lengths && !GetParam().takes_lengths) continue;
      ScanCase c = wide::scan_case(GetParam(), dtype);
      c.reverse = lengths && !GetParam().draws;
      if (lengths) c.lengths = lengths_of(kRows);
      const OfRows all = rewound(c, as_they_are);
      const Threads scope(3);
      for (const std::vector<Index>& rows : choices) {
        SCOPED_TRACE(fmt::format("{}, {} rows{}", name_of(dtype), rows.size(),
                                 lengths ? " with lengths" : ""));
        const OfRows some = rewound(c, rows);
        for (std::size_t i = 0; i < all.of_steps.size(); i++) {
          EXPECT_TRUE(same_bits(some.of_steps[i], rows_of(all.of_steps[i], 1, rows))) << i;
        }
        for (std::size_t i = 0; i < all.once.size(); i++) {
          EXPECT_TRUE(same_bits(some.once[i], rows_of(all.once[i], 0, rows))) << i;
        }
      }
    }
  }
}

const auto kName = [](const auto& test) { return std::string(test.param.name); };
INSTANTIATE_TEST_SUITE_P(Cells, SameBitsOfARow, testing::ValuesIn(wide::cells()), kName);
INSTANTIATE_TEST_SUITE_P(Products, SameBitsOfARow,
                         testing::ValuesIn(wide::cells_of_other_products()), kName);

}  // namespace
}  // namespace rw::test
