#include "rewind/autograd/engine/run/stretches.h"

namespace rw::engine {
std::vector<Stretch> stretches(const Program& program, const RowSchedule& rows) {
  const Index time = rows.time(), steps = program.steps_at_a_time;
  std::vector<Stretch> result;
  // One of up to half as many again, rather than two of fewer.
  if (time - time / 3 <= steps) return {{0, time}};
  if (rows.whole()) {
    const Index count = count_of_parts(time, steps);
    for (Index i = 0; i < count; i++) result.push_back({i * time / count, (i + 1) * time / count});
    return result;
  }
  const Index enough = steps * rows.batch();
  Index begin = 0;
  for (Index t = 1; t < rows.busy_steps(); t++) {
    const bool full = rows.first_row(t) - rows.first_row(begin) >= enough;
    if (!full || rows.total() - rows.first_row(t) <= enough / 2) continue;
    result.push_back({begin, t});
    begin = t;
  }
  result.push_back({begin, time});
  return result;
}

}  // namespace rw::engine
