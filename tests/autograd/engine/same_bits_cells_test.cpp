// The same bits for any number of threads, of everything that can be asked of a scan: final states,
// states of every step, both derivatives; reversed, with resets and lengths; in both precisions; of
// cells that packed products and element programs run, and of cells with kernels of their own. And
// for a row wherever it stands in the batch.
#include <gtest/gtest.h>

#include "autograd/engine/bits_of_threads.h"
#include "autograd/engine/looks_at.h"
#include "rewind/autograd/engine/plans.h"
#include "rewind/autograd/explain.h"
#include "rewind/nn/layer_norm.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/random.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/unary.h"

namespace rw::test {
namespace {

using Const = const Tensors&;
using Results = std::pair<Tensors, Tensors>;

// At these sizes eight workers share the rows of what keeps them apart.
constexpr Index kSteps = 16, kRows = 108, kFeatures = 24, kUnits = 64;

Tensor part(const Tensor& z, Index i) { return slice(z, 1, i * kUnits, (i + 1) * kUnits); }

Results lstm(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  const Tensor c = sigmoid(part(z, 1)) * s[1] + sigmoid(part(z, 0)) * tanh(part(z, 2));
  const Tensor h = sigmoid(part(z, 3)) * tanh(c);
  return {{h, c}, {h}};
}

// Its gate is one number for each row.
Results by_a_vector(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2], v = squeeze(w[4], 1);
  const Tensor gate = sigmoid(unsqueeze(matmul(s[0], v), 1));
  const Tensor c = gate * s[1] + (1 - gate) * tanh(part(z, 2));
  const Tensor h = sigmoid(part(z, 3)) * tanh(c);
  return {{h, c}, {h, matmul(h, v)}};
}

Results normed(Const x, Const s, Const w) {
  const Tensor z = nn::layer_norm(matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2]);
  const Tensor c = sigmoid(part(z, 1)) * s[1] + sigmoid(part(z, 0)) * tanh(part(z, 2));
  const Tensor h = sigmoid(part(z, 3)) * tanh(nn::layer_norm(c));
  return {{h, c}, {h}};
}

Results with_softmax(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  const Tensor c = tanh(part(z, 0)) + softmax(part(z, 1) + s[1], -1);
  const Tensor h = sigmoid(part(z, 3)) * tanh(c);
  return {{h, c}, {h, softmax(part(z, 2), -1)}};
}

Results of_a_user(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  const Tensor c = apply(LooksAt{}, sigmoid(part(z, 1))) * s[1] + tanh(part(z, 2));
  const Tensor h = sigmoid(part(z, 3)) * tanh(apply(LooksAt{}, c));
  return {{h, c}, {h}};
}

// To a context that all rows share, by two queries of each.
Results repeating(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  const Index rows = z.dim(0);
  const Tensor shared = expand(w[5], {rows, 5, kUnits});
  const Tensor queries = reshape(slice(z, 1, 0, 2 * kUnits), {rows, 2, 1, kUnits});
  const Tensor own = reshape(w[3], {rows, 1, 5, kUnits});
  const Tensor fit = softmax(sum(matmul(queries, transpose(own)), 1), -1);
  const Tensor c = tanh(part(z, 2)) * s[1] + squeeze(matmul(fit, shared), 1);
  const Tensor h = sigmoid(part(z, 3)) * tanh(c);
  return {{h, c}, {h}};
}

// Bahdanau's, to a context that each row has of its own.
Results attentive(Const x, Const s, Const w) {
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0], w[1]) + w[2];
  const Tensor fit = matmul(tanh(w[3] + unsqueeze(part(z, 0), 1)), w[4]);
  const Tensor read = squeeze(matmul(transpose(softmax(fit, 1)), w[3]), 1);
  const Tensor c = tanh(part(z, 2)) * s[1] + read;
  const Tensor h = sigmoid(part(z, 3)) * tanh(part(z, 1) + c);
  return {{h, c}, {h, squeeze(fit, -1)}};
}

// To what the input alone asks for: of one row it can be read before the loop.
Results reading_by_input(Const x, Const s, Const w) {
  const Tensor from_x = matmul(x[0], w[0]);
  const Tensor z = from_x + matmul(s[0], w[1]) + w[2];
  const Tensor query = unsqueeze(part(from_x, 0), 1);
  const Tensor fit = softmax(matmul(query, transpose(w[3])), -1);
  const Tensor c = tanh(part(z, 2)) * s[1] + squeeze(matmul(fit, w[3]), 1);
  const Tensor h = sigmoid(part(z, 3)) * tanh(part(z, 1) + c);
  return {{h, c}, {h}};
}

Results with_masks(Const x, Const s, Const w) {
  const Tensor kept = bernoulli(s[0].shape(), {.p = 0.7, .dtype = s[0].dtype()});
  const Tensor noise = normal({s[0].dim(0), 1}, {.deviation = 0.1, .dtype = s[0].dtype()});
  const Tensor z = matmul(x[0], w[0]) + matmul(s[0] * kept, w[1]) + w[2];
  const Tensor c = tanh(part(z, 0)) + sigmoid(part(z, 1)) * s[1] + noise;
  const Tensor h = sigmoid(part(z, 3)) * tanh(c + part(z, 2));
  return {{h, c}, {h}};
}

struct Cell {
  const char* name;
  decltype(ScanCase::step) step;
  bool runs_kernels = true;  // ordinary ones, in the loop
  bool draws = false;
};

void PrintTo(const Cell& cell, std::ostream* out) { *out << cell.name; }

class SameBitsOf : public testing::TestWithParam<Cell> {
 protected:
  static Tensor in(const Tensor& x, Dtype dtype) { return cast(x, dtype); }

  static ScanCase scan_case(Dtype dtype) {
    const Tensors weights{numbers({kFeatures, 4 * kUnits}, 3) * 0.3,
                          numbers({kUnits, 4 * kUnits}, 4) * 0.2,
                          numbers({4 * kUnits}, 5),
                          numbers({kRows, 5, kUnits}, 7),
                          numbers({kUnits, 1}, 8),
                          numbers({5, kUnits}, 9)};
    ScanCase c{{in(numbers({kSteps, kRows, kFeatures}, 1), dtype)},
               {in(numbers({kRows, kUnits}, 2), dtype), in(numbers({kRows, kUnits}, 6), dtype)},
               {},
               GetParam().step};
    for (const Tensor& w : weights) c.weights.push_back(in(w, dtype));
    return c;
  }
};

constexpr auto kSeveral = {2, 3, 5, 8};

Lengths lengths_of(Index rows) {
  Lengths lengths;
  for (Index row = 0; row < rows; row++) lengths.push_back((7 * row + 3) % (kSteps + 1));
  return lengths;
}

// Reversed where there are lengths.
void expect_the_same_bits_with_and_without_lengths(ScanCase c) {
  for (const bool lengths : {false, true}) {
    if (lengths) c.lengths = lengths_of(kRows);
    c.reverse = lengths;
    const Dtype dtype = c.weights[0].dtype();
    SCOPED_TRACE(fmt::format("{}{}", name_of(dtype), lengths ? " with lengths" : ""));
    expect_the_same_bits(c, kSeveral);
  }
}

TEST_P(SameBitsOf, ScansForAnyNumberOfThreads) {
  for (const Dtype dtype : {float32, float64}) {
    ScanCase c = scan_case(dtype);
    for (const bool reverse : {false, true}) {
      SCOPED_TRACE(fmt::format("{}{}", name_of(dtype), reverse ? " reversed" : ""));
      c.reverse = reverse;
      expect_the_same_bits(c, kSeveral);
    }
  }
}

TEST_P(SameBitsOf, ScansWithResetsAndLengthsForAnyNumberOfThreads) {
  for (const Dtype dtype : {float32, float64}) {
    ScanCase c = scan_case(dtype);
    c.reset = greater(numbers({kSteps, kRows}, 4), 0.4);
    expect_the_same_bits_with_and_without_lengths(std::move(c));
  }
}

TEST_P(SameBitsOf, ScansInSegmentsForAnyNumberOfThreads) {
  ScanCase c = scan_case(float32);
  c.segments = 3;
  expect_the_same_bits(c, kSeveral);
}

TEST_P(SameBitsOf, ScansWhoseColumnsAreSharedForAnyNumberOfThreads) {
  engine::PlanOptions options;
  options.program.share_columns = true;
  const engine::PlanningWith scope(options);
  for (const Dtype dtype : {float32, float64}) {
    expect_the_same_bits_with_and_without_lengths(scan_case(dtype));
  }
}

// Of which the last worker has one.
TEST_P(SameBitsOf, ScansOfOneRowMoreThanWorkersShareEvenly) {
  for (const Dtype dtype : {float32, float64}) {
    ScanCase c = scan_case(dtype);
    constexpr Index kFew = 57;
    c.xs[0] = slice(c.xs[0], 1, 0, kFew);
    for (Tensor& s : c.initial) s = slice(s, 0, 0, kFew);
    c.weights[3] = slice(c.weights[3], 0, 0, kFew);
    expect_the_same_bits(c, {2, 8});
    c.lengths = lengths_of(kFew);
    expect_the_same_bits(c, {2, 8});
  }
}

class SameBitsOfARow : public SameBitsOf {};

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
  Tensors of_steps, once;  // [time, rows, ...]: outputs and dx; [rows, ...]: states and dh
};
OfRows rewound(const ScanCase& c, const std::vector<Index>& rows) {
  const ScanCase some = rows_of(c, rows);
  const Random same(5);
  Tape tape;
  const Tensor x = tape.watch(some.xs[0]);
  Tensors initial;
  for (const Tensor& s : some.initial) initial.push_back(tape.watch(s));
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
      ScanCase c = scan_case(dtype);
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

TEST_P(SameBitsOf, AreAskedOfCellsWhoseRowsAreShared) {
  const ScanCase c = scan_case(float32);
  const auto step = [&](Const x, Const s) { return c.step(x, s, c.weights); };
  const Threads scope(8);
  const std::string text = explain(step, c.xs, c.initial);
  const std::string_view shared = "rows: 14 for each of 8 workers";
  EXPECT_NE(text.find(shared), std::string::npos) << text;
  EXPECT_NE(text.find(shared, text.find("backward")), std::string::npos) << text;
  EXPECT_EQ(text.find("    ordinary ") != std::string::npos, GetParam().runs_kernels) << text;
}

const auto kCells =
    testing::Values(Cell{"lstm", lstm, false}, Cell{"by_a_vector", by_a_vector},
                    Cell{"layer_norm", normed}, Cell{"softmax", with_softmax},
                    Cell{"operation_of_a_user", of_a_user}, Cell{"attention", attentive},
                    Cell{"repeating", repeating}, Cell{"masks", with_masks, true, true});
const auto kName = [](const auto& test) { return std::string(test.param.name); };

INSTANTIATE_TEST_SUITE_P(Cells, SameBitsOf, kCells, kName);
INSTANTIATE_TEST_SUITE_P(Cells, SameBitsOfARow, kCells, kName);
INSTANTIATE_TEST_SUITE_P(BeforeTheLoop, SameBitsOfARow,
                         testing::Values(Cell{"reading_by_input", reading_by_input}), kName);

}  // namespace
}  // namespace rw::test
