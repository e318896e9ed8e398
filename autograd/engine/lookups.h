// Products of what was looked up in a table, over all steps at once. Where the table has at most
// half as many rows as all steps together, it is multiplied itself:
//
//   take(E, i) W            is   take(E W, i)
//   take(E, i)^T d          is   E^T s        with s = the d of each row of E added up
//   sum of d W^T by rows    is   s W^T        the gradient of E
//
// Whether it pays depends on how many steps there are, so it is decided where the product runs, and
// plans know nothing of it. The first has the bits of the longer way: a product gives a row the
// same bits wherever it stands.
#pragma once

#include "rewind/autograd/engine/lifted.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// The value of the node, the short way; undefined where there is none. `total`: the rows of all
// steps together.
Tensor by_table(const Program& program, Lifted& lifted, const Graph::Node& node, Index total);

// From how many steps on a node that runs outside of the loop goes the short way, as far as the
// plan can tell; 0: never.
Index steps_by_table(const Program& program, const Graph::Node& node);

}  // namespace engine
}  // namespace rw
