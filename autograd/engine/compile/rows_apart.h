// What keeps the bits of a row from depending on which others stand beside it: by which kernel a
// product runs, and whether workers may each take some rows through all steps of a loop.
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
