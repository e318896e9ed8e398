// Scans and streams on every instruction set that runs here, not on the best alone: what they
// compute is what plain loops do.
#include "autograd/engine/cell_cases.h"
#include "autograd/engine/stream_comparison.h"
#include "tensor/every_target.h"

namespace rw::test {
namespace {

using kernels::for_every_target;

// In tensors of their own: forms that were packed for another instruction set are not theirs.
Tensors copies(const Tensors& tensors, Dtype dtype) {
  Tensors made;
  for (const Tensor& x : tensors) made.push_back(cast(x, is_float(x.dtype()) ? dtype : x.dtype()));
  return made;
}

ScanCase in(Dtype dtype, ScanCase c) {
  c.xs = copies(c.xs, dtype);
  c.initial = copies(c.initial, dtype);
  c.weights = copies(c.weights, dtype);
  return c;
}

template <class F>
void for_every_cell(Dtype dtype, F f) {
  for (const auto& cells : {known_cells(), attentive_cells()}) {
    for (const NamedCase& cell : cells) {
      SCOPED_TRACE(cell.name);
      f(NamedCase{cell.name, in(dtype, cell.scan), cell.mixes_rows});
    }
  }
}

class Targets : public testing::TestWithParam<Dtype> {};

TEST_P(Targets, ScansAreTheirPlainLoopsOnEvery) {
  for_every_target([] {
    for_every_cell(GetParam(), [](const NamedCase& cell) {
      for (ScanCase c : every_way(cell)) {
        c.second = GetParam() == float64;
        expect_the_plain_loop(c, cell.name);
      }
    });
  });
}

// Panels, blocks and what is left of them, of which small cells have only the last.
TEST_P(Targets, ScansOfManyUnitsAreTheirPlainLoopsOnEvery) {
  constexpr Index kRows = 21, kUnits = 75, kLong = 9;
  for_every_target([] {
    const auto step = [](const Tensors& x, const Tensors& s, const Tensors& w) -> Results {
      const Tensor f = sigmoid(matmul(concat({x[0], s[0]}), w[0]) + w[1]);
      const Tensor h = (1 - f) * s[0] + f * tanh(matmul(concat({x[0], f * s[0]}), w[2]) + w[3]);
      return {one(h), one(h)};
    };
    ScanCase c{{numbers({kLong, kRows, 3}, 1)},
               {numbers({kRows, kUnits}, 2)},
               weights({{3 + kUnits, kUnits}, {kUnits}, {3 + kUnits, kUnits}, {kUnits}}),
               step};
    c.weights[0] = c.weights[0] * 0.2;
    c.weights[2] = c.weights[2] * 0.2;
    c = in(GetParam(), c);
    c.second = GetParam() == float64;
    for (const int threads : {1, 2}) {
      c.threads = threads;
      expect_the_plain_loop(c, "many units");
    }
  });
}

TEST_P(Targets, StreamsHaveTheBitsOfTheirScansOnEvery) {
  for_every_target([] {
    for_every_cell(GetParam(), [](const NamedCase& cell) {
      const ScanCase& c = cell.scan;
      expect_the_bits_of_the_scan(c.xs[0], c.initial, c.weights, c.step);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(Dtypes, Targets, testing::Values(float32, float64),
                         [](const auto& test) { return std::string(name_of(test.param)); });

}  // namespace
}  // namespace rw::test
