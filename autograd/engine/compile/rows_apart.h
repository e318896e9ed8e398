// The bits of a row must not depend on which others stand beside it: in the batch, or with those
// that one worker takes through all steps of a loop.
#pragma once

#include "rewind/autograd/engine/compile/program.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// What a node runs by, where it is no instruction of its own: its operation, but that of a product
// whose rows BLAS would round together is the ordered product.
const Operation& kernel_of(const Program& program, const Graph::Node& node);

// Why one worker has to run all rows, a literal; empty: they may be shared.
std::string_view why_rows_stay_together(const Program& program);

}  // namespace engine
}  // namespace rw
