#include "rewind/autograd/engine/plans.h"

#include <algorithm>
#include <list>

namespace rw::engine {
namespace {

struct Entry {
  Traced traced;  // without its tensors
  Followed followed;
  std::shared_ptr<const Recurrence> recurrence;
};

struct Memory {
  std::mutex mutex;
  std::list<Entry> entries;  // the last used first
};

Memory& memory() {
  static Memory memory;
  return memory;
}

bool same(const Entry& entry, const Traced& traced, const Followed& followed) {
  const Trace &a = entry.traced.trace, &b = traced.trace;
  return entry.traced.inputs == traced.inputs && entry.traced.states == traced.states &&
         a.arguments == b.arguments && a.captured == b.captured && a.results == b.results &&
         entry.followed.any == followed.any && entry.followed.invariants == followed.invariants &&
         entry.followed.inputs == followed.inputs && a.graph == b.graph;
}

std::shared_ptr<const Recurrence> recall(const Traced& traced, const Followed& followed) {
  Memory& known = memory();
  const std::scoped_lock lock(known.mutex);
  const auto found =
      std::find_if(known.entries.begin(), known.entries.end(),
                   [&](const Entry& entry) { return same(entry, traced, followed); });
  if (found == known.entries.end()) return nullptr;
  known.entries.splice(known.entries.begin(), known.entries, found);
  return found->recurrence;
}

Step step_of(const Traced& traced) {
  const Trace& trace = traced.trace;
  const auto arguments = trace.arguments.begin(), results = trace.results.begin();
  const auto inputs = static_cast<std::ptrdiff_t>(traced.inputs);
  const auto states = static_cast<std::ptrdiff_t>(traced.states);
  Step step;
  step.graph = trace.graph;
  step.invariants = trace.captured;
  step.inputs.assign(arguments, arguments + inputs);
  step.input_rows.assign(traced.inputs, 0);
  step.states.assign(arguments + inputs, trace.arguments.end());
  step.next.assign(results, results + states);
  step.outputs.assign(results + states, trace.results.end());
  return step;
}

}  // namespace

std::shared_ptr<const Recurrence> plan_of(const Traced& traced, Index batch,
                                          const Followed& followed) {
  if (auto known = recall(traced, followed)) return known;
  // Planned without the lock: another thread may do the same at the same time, to the same end.
  auto recurrence = std::make_shared<const Recurrence>(step_of(traced), batch, followed);
  Entry entry{traced, followed, recurrence};
  entry.traced.trace.captured_tensors.clear();
  Memory& known = memory();
  const std::scoped_lock lock(known.mutex);
  known.entries.push_front(std::move(entry));
  if (known.entries.size() > kRememberedPlans) known.entries.pop_back();
  return recurrence;
}

std::size_t remembered_plans() {
  const std::scoped_lock lock(memory().mutex);
  return memory().entries.size();
}

}  // namespace rw::engine
