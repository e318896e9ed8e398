// How workers share a loop.
#pragma once

#include "rewind/autograd/engine/compile/program.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// `rows`: each worker takes some of them through a stretch of time by itself. `columns`: each makes
// some of every step (compile/column_split.h). Either where a stretch has `steps` or more, fewer
// being too little work to wake another for.
struct LoopSplit {
  enum By : char { rows, columns } by;
  int workers = 1;
  Index most_rows = 0;  // of one worker
  Index steps = 0;
  std::string_view why = {};  // where there is one worker; a literal
};
LoopSplit loop_split(const Program& program);

// How often workers that share columns wait for each other in a step; with lengths twice more.
int waits_of_a_step(const Program& program);

}  // namespace engine
}  // namespace rw
