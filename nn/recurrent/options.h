// What a recurrent layer is made of, what one call may be given, and what it returns.
#pragma once

#include <vector>

#include "rewind/autograd/scan.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

struct RecurrentOptions {
  Index input = 0;   // features of x
  Index hidden = 0;  // features of one direction's output
  Index layers = 1;
  bool bidirectional = false;  // a second cell per layer reads from the end; outputs are joined
  bool batch_first = false;    // x, outputs, all `states` and reset are [batch, time, ...]; not the
                               // blocks of a stream
  bool residual = false;       // from the second layer on, a layer's input is added to its output
  double dropout = 0;          // on the outputs of each layer but the last, while training
};

// What one call may be given. A name for a cell's own State is Cell::State.
template <class CellState>
struct RecurrentCall {
  Lengths lengths = {};                 // valid steps of each row, zero allowed; empty: all
  std::vector<CellState> initial = {};  // one per layer and direction (layer 0, layer 0 reversed,
                                        // layer 1, ...); empty: cell.initial()
  Tensor reset = {};     // bool [time, batch]: the row starts anew with cell.initial()
  bool reverse = false;  // read from the last step to the first (one direction only)
  bool states = false;   // return every state of every step
  Index segments = 0;    // computed again by the rewind, one at a time, for less memory (scan.h)
};

template <class CellState, class Outputs>
struct RecurrentResult {
  Outputs outputs;  // of the last layer, [time, batch, directions * hidden]; 0 after a row's length
  // The output of each row's last valid step, [batch, ...]: where both directions run, the forward
  // one at the row's end joined with the backward one at its beginning. 0 for length 0.
  Outputs last;
  std::vector<CellState> final;   // per layer and direction, as `initial`
  std::vector<CellState> states;  // the same with [time, batch, ...], when asked for
};

}  // namespace nn
}  // namespace rw
