// A batch of one row: which of several axes that would do holds it.
//
// A reshape of [1, n] to [1, 1, n] may have put an axis before the row or behind it; of a larger
// batch the sizes tell. For one row what is done with the result does: where an axis is repeated,
// or numbers are put side by side along it, it is the other one. So the first axis is taken, and
// where an operation then mixes rows the reshapes that its inputs come from are given other axes by
// trial: one that brings the first mixing farther is kept. Steps that mix nothing try nothing.
// A graph holds a reshape once: where its readers want different axes, each is given one of its
// own. (Not what is made of a reshape and read in two such ways: that mixes rows.)
#pragma once

#include "rewind/autograd/engine/rows/rows.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// The rows of a step (rows.h), with axes by which fewer operations mix them, where there are any.
Rows by_what_is_done(const Step& step, Rows rows);

// The step for one row, where a reshape made again for every reader keeps its rows apart; or as it
// was.
Step with_reshapes_for_one_row(Step step);

}  // namespace engine
}  // namespace rw
