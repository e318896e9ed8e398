#include "rewind/autograd/explain.h"

#include "rewind/autograd/engine/explain.h"
#include "rewind/autograd/tape.h"

namespace rw {

std::string explain(const std::function<void()>& run) {
  const Random same(Random::state());
  const Pause pause;
  const auto noted = [&] {
    const engine::NotedPlans plans;
    run();
    return plans.all();
  }();
  std::string text;
  for (const auto& [step, batch] : noted) {
    text += (text.empty() ? "" : "\n") + engine::explained(step, batch);
  }
  return text.empty()
             ? "no scan was planned: without steps or rows, in PlainLoops, and while notes "
               "are taken, a scan is the plain loop\n"
             : text;
}

}  // namespace rw
