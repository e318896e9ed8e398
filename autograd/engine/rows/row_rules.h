// What single operations do with the rows of a batch (rows.h).
#pragma once

#include "rewind/autograd/engine/rows/rows.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// What an operation does, and where the rows of its result are.
struct RowAnswer {
  RowEffect effect;
  int axis = Rows::kNone;
  Index each = 1;
};

// Of a node whose inputs have been asked before. `settled` tells by value whether its axis of rows,
// or that it has none, is known; of other inputs it may be found here, and is noted in both.
RowAnswer rows_after(const Graph& graph, const Graph::Node& node, Rows& rows,
                     std::vector<bool>& settled);

// Where a reshape may put rows that stand along an axis of its input. Of a batch of one there may
// be several; otherwise one, or none.
std::vector<int> axes_after_reshape(const Dims& from, int axis, const Dims& to, Index batch);

}  // namespace engine
}  // namespace rw
