// The cells of cells.h with inputs, states and weights; and every way in which each can be run.
#pragma once

#include <algorithm>
#include <string>

#include "autograd/engine/cells.h"
#include "rewind/tensor/regions.h"

namespace rw::test {

struct NamedCase {
  std::string name;
  ScanCase scan;
  bool mixes_rows = false;  // as the engine sees it: then there are no lengths
};

inline std::vector<NamedCase> known_cells() {
  const Dims gate{I + H, H}, bias{H}, wide{4 * H};
  return {
      {"elman", {inputs(), states({H}), kSimple, elman}},
      {"relu", {inputs(), states({H}), kSimple, relu_cell}},
      {"lstm of concat",
       {inputs(), states({H, H}), weights({{I + H, 4 * H}, wide}), lstm_of_concat}},
      {"lstm", {inputs(), states({H, H}), kLstm, lstm_of_two_products}},
      {"lstm of four gates",
       {inputs(), states({H, H}), weights({gate, gate, gate, gate, bias, bias, bias, bias}),
        lstm_of_four_gates}},
      {"peephole",
       {inputs(), states({H, H}), weights({{I, 4 * H}, {H, 4 * H}, wide, bias, bias, bias}),
        peephole}},
      {"layer norm",
       {inputs(), states({H, H}),
        weights({{I, 4 * H}, {H, 4 * H}, wide, wide, wide, wide, bias, bias}), layer_norm_lstm}},
      {"gru before",
       {inputs(), states({H}), weights({{I, 3 * H}, {H, 2 * H}, {H, H}, {3 * H}}), gru_before}},
      {"gru after",
       {inputs(), states({H}), weights({{I, 3 * H}, {H, 3 * H}, {3 * H}, {3 * H}}), gru_after}},
      {"minimal gated", {inputs(), states({H}), weights({gate, bias, gate, bias}), minimal_gated}},
  };
}

inline std::vector<NamedCase> attentive_cells() {
  return {
      {"dot attention",
       {inputs(), states({H}), weights({{B, S, K}, {K, K}, {H, K}, {I, H}, {K, H}, {H, H}}),
        dot_attention}},
      {"additive attention",
       {inputs(), states({H}), weights({{B, S, K}, {K, K}, {H, K}, {I, H}, {K, H}, {H, H}, {K, 1}}),
        additive_attention}},
      {"context",
       {inputs(), states({H}), weights({{I, H}, {H, H}, {H, H}, {B, H}}), captured_context}},
  };
}

inline std::vector<NamedCase> unusual_cells() {
  Tensors six = states({H, H, H, H, H, H});
  six[1] = zeros({B, 2}, int64);
  return {
      {"two states",
       {inputs(), states({H, K}), weights({{H, H}, {K, H}, {H, K}, {K, K}, {I, H}, {H}, {K}}),
        two_states}},
      {"residual", {inputs(), states({H}), weights({{I + H, H}, {H}, {H, H}}), residual}},
      {"twice", {inputs(), states({H}), weights({{H, H}, {H}}), weight_used_twice}},
      {"head", {inputs(), states({H}), weights({{I, H}, {H, H}, {H}, {H, V}, {V}}), head_inside}},
      {"layers of the input",
       {inputs(), states({H}), weights({{I, H}, {H}, {H, H}, {H, H}}), layers_of_the_input}},
      {"several entries",
       {inputs(), states({I * K}), weights({{1, K}, {K, K}, {B * I, K}}), several_entries_a_row}},
      {"numbered rows",
       {inputs(), states({H}), weights({{I, H}, {H, H}, {H}, {B, H}}), numbered_rows}},
      {"views", {inputs(), states({H}), {}, nothing_but_views}},
      {"batch norm", {inputs(), states({H}), weights({{I, H}, {H, H}}), batch_norm}, true},
      {"operation of a user", {inputs(), states({H}), kSimple, operation_of_a_user}, true},
      {"dropped", {inputs(), states({H}), kSimple, dropped}},
      {"symbols", {{tokens({T, B})}, states({H}), weights({{I, H}, {H, H}, {H}, {V, I}}), symbols}},
      {"many states", {inputs(), six, weights({{H, H}, {I, H}}), many_states}},
  };
}

inline std::vector<NamedCase> all_cells() {
  std::vector<NamedCase> all = known_cells();
  for (const auto& more : {attentive_cells(), unusual_cells()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

inline std::vector<NamedCase> cells_named(const std::vector<std::string>& names) {
  const std::vector<NamedCase> all = all_cells();
  std::vector<NamedCase> found;
  for (const std::string& name : names) {
    const auto cell =
        std::find_if(all.begin(), all.end(), [&](const NamedCase& c) { return c.name == name; });
    require(cell != all.end(), "no cell is named {}", name);
    found.push_back(*cell);
  }
  return found;
}

inline ScanCase cell_named(const std::string& name) { return cells_named({name})[0].scan; }

// Padding, of which nothing may be read.
inline Tensor with_padding(const Tensor& x, const Lengths& lengths) {
  const double none = is_float(x.dtype()) ? std::nan("") : -1000;  // no token, either
  Tensor padded = x;
  for (std::size_t row = 0; row < lengths.size(); row++) {
    padded.set({Range{lengths[row], kEnd}, row}, none);
  }
  return padded;
}

// Forward and reversed; with lengths, in NaN; with resets as well.
inline std::vector<ScanCase> every_way(const NamedCase& named, const Lengths& lengths = {3, 0, 4}) {
  std::vector<ScanCase> ways;
  for (const bool reverse : {false, true}) {
    ScanCase c = named.scan;
    c.reverse = reverse;
    ways.push_back(c);
    if (named.mixes_rows) continue;
    c.lengths = lengths;
    for (Tensor& x : c.xs) x = with_padding(x, c.lengths);
    ways.push_back(c);
    c.reset = greater(numbers({T, B}, 4), 0.1);
    ways.push_back(c);
  }
  return ways;
}

}  // namespace rw::test
