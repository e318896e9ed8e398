// Whether workers may share the rows of a loop: each takes some of them through all of its steps.
// The bits of a row must not depend on which others its worker has.
#pragma once

#include "rewind/autograd/engine/compile/program.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// Why one worker has to run all rows, a literal; empty: they may be shared.
std::string_view why_rows_stay_together(const Program& program);

}  // namespace engine
}  // namespace rw
