// Planned scans beside plain loops, for cells of every form that the papers know, and some that
// only this file does: values, gradients, and gradients of gradients.
#include <gtest/gtest.h>

#include "autograd/engine/cells.h"
#include "rewind/tensor/regions.h"
#include "support/message_of.h"

namespace rw::test {
namespace {

// Padding, of which nothing may be read.
Tensor with_padding(const Tensor& x, const Lengths& lengths) {
  if (!is_float(x.dtype())) return x;
  Tensor padded = x;
  for (std::size_t row = 0; row < lengths.size(); row++) {
    padded.set({Range{lengths[row], kEnd}, row}, std::nan(""));
  }
  return padded;
}

void both_ways(ScanCase c, const char* name, bool with_lengths = true) {
  for (const bool reverse : {false, true}) {
    c.reverse = reverse;
    c.lengths = {};
    expect_the_plain_loop(c, name);
    if (!with_lengths) continue;
    c.lengths = {3, 0, 4};
    ScanCase padded = c;
    for (Tensor& x : padded.xs) x = with_padding(x, c.lengths);
    expect_the_plain_loop(padded, name);
    padded.reset = greater(numbers({c.xs[0].dim(0), c.xs[0].dim(1)}, 4), 0.1);
    expect_the_plain_loop(padded, name);
  }
}

TEST(PlannedScan, IsThePlainLoopForCellsOfEveryForm) {
  both_ways({inputs(), states({H}), kSimple, elman}, "elman");
  both_ways({inputs(), states({H}), kSimple, relu_cell}, "relu");
  both_ways({inputs(), states({H, H}), weights({{I + H, 4 * H}, {4 * H}}), lstm_of_concat},
            "lstm of concat");
  both_ways({inputs(), states({H, H}), kLstm, lstm_of_two_products}, "lstm");
  const Dims gate{I + H, H}, bias{H};
  both_ways({inputs(), states({H, H}), weights({gate, gate, gate, gate, bias, bias, bias, bias}),
             lstm_of_four_gates},
            "lstm of four gates");
  both_ways({inputs(), states({H, H}), weights({{I, 4 * H}, {H, 4 * H}, {4 * H}, {H}, {H}, {H}}),
             peephole},
            "peephole");
  const Dims wide{4 * H};
  both_ways({inputs(), states({H, H}),
             weights({{I, 4 * H}, {H, 4 * H}, wide, wide, wide, wide, {H}, {H}}), layer_norm_lstm},
            "layer norm");
  both_ways({inputs(), states({H}), weights({{I, 3 * H}, {H, 2 * H}, {H, H}, {3 * H}}), gru_before},
            "gru before");
  both_ways({inputs(), states({H}), weights({{I, 3 * H}, {H, 3 * H}, {3 * H}, {3 * H}}), gru_after},
            "gru after");
  both_ways({inputs(), states({H}), weights({gate, bias, gate, bias}), minimal_gated},
            "minimal gated");
}

TEST(PlannedScan, IsThePlainLoopForAttention) {
  both_ways({inputs(), states({H}), weights({{B, S, K}, {K, K}, {H, K}, {I, H}, {K, H}, {H, H}}),
             dot_attention},
            "dot attention");
  both_ways(
      {inputs(), states({H}), weights({{B, S, K}, {K, K}, {H, K}, {I, H}, {K, H}, {H, H}, {K, 1}}),
       additive_attention},
      "additive attention");
  both_ways({inputs(), states({H}), weights({{I, H}, {H, H}, {H, H}, {B, H}}), captured_context},
            "context");
}

TEST(PlannedScan, IsThePlainLoopForUnusualSteps) {
  both_ways({inputs(), states({H, K}), weights({{H, H}, {K, H}, {H, K}, {K, K}, {I, H}, {H}, {K}}),
             two_states},
            "two states");
  both_ways({inputs(), states({H}), weights({{I + H, H}, {H}, {H, H}}), residual}, "residual");
  both_ways({inputs(), states({H}), weights({{H, H}, {H}}), weight_used_twice}, "twice");
  both_ways({inputs(), states({H}), weights({{I, H}, {H, H}, {H}, {H, V}, {V}}), head_inside},
            "head");
  both_ways({inputs(), states({H}), weights({{I, H}, {H}, {H, H}, {H, H}}), layers_of_the_input},
            "layers of the input");
  both_ways({inputs(), states({H}), {}, nothing_but_views}, "views");
  both_ways({inputs(), states({H}), weights({{I, H}, {H, H}}), batch_norm}, "batch norm", false);
  both_ways({inputs(), states({H}), kSimple, operation_of_a_user}, "operation of a user", false);
}

TEST(PlannedScan, DrawsTheRandomNumbersOfThePlainLoop) {
  both_ways({inputs(), states({H}), kSimple, dropped}, "dropped");
}

TEST(PlannedScan, RefusesAGeneratorOfTheStepsOwn) {
  Rng own(3);
  const auto step = [&](const Tensor& x, const Tensor& h) {
    return h + x * uniform(x.shape(), {.dtype = float64}, own);
  };
  try {
    scan(step, numbers({T, B, H}, 1), numbers({B, H}, 2));
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_EQ(
        std::string(error.what()),
        "scan: uniform in the step draws from a generator of its own; draw from this thread's, "
        "which Random sets, or use loop");
  }
}

// Also where the first of the inner scan's results, its last state, is wanted by nobody.
TEST(PlannedScan, RefusesLengthsWhereAScanInsideMayMixRows) {
  const auto inner = [](const Tensor& h) { return h * 0.5; };
  const auto step = [&](const Tensor& x, const Tensor& h) {
    return x + sum(scan(inner, 2, h).outputs, 0);
  };
  EXPECT_EQ(message_of<ShapeError>([&] {
              scan(step, numbers({T, B, H}, 1), numbers({B, H}, 2), {.lengths = {1, 2, 3}});
            }),
            "scan: the step mixes rows of the batch, scan{2 steps}, and with lengths they are not "
            "all there; use loop, or declare an operation of yours `rowwise`");
}

TEST(PlannedScan, IsThePlainLoopForIntegers) {
  Tensor tokens = zeros({T, B}, int64);
  Index i = 0;
  for (Index& token : tokens.mutable_span<Index>()) token = (3 * i++) % V;
  both_ways({{tokens}, states({H}), weights({{I, H}, {H, H}, {H}, {V, I}}), symbols}, "symbols");
  Tensors six = states({H, H, H, H, H, H});
  six[1] = zeros({B, 2}, int64);
  both_ways({inputs(), six, weights({{H, H}, {I, H}}), many_states}, "many states");
}

}  // namespace
}  // namespace rw::test
