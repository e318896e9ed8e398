// Plans, remembered by what was traced. A plan is found by the content of a trace, compared in
// full, never by the address or the type of a cell: so none can be stale. Change a field of a cell,
// and the next call plans anew.
#pragma once

#include "rewind/autograd/engine/recurrence.h"
#include "rewind/autograd/engine/trace.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// Of a traced step: its first arguments are inputs, the others states; its first results are the
// next states, the others outputs.
struct Traced {
  Trace trace;
  std::size_t inputs, states;
};

// May be called by several threads. The least recently used plans are forgotten beyond
// kRememberedPlans.
inline constexpr std::size_t kRememberedPlans = 128;
std::shared_ptr<const Recurrence> plan_of(const Traced& traced, Index batch,
                                          const Followed& followed);

// How many are remembered now.
std::size_t remembered_plans();

}  // namespace engine
}  // namespace rw
