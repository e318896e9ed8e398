#include "rewind/autograd/explain.h"

#include <algorithm>

#include "rewind/autograd/engine/explain/explain.h"
#include "rewind/autograd/tape.h"

namespace rw {
namespace {

// By tensor; empty where it has none.
std::vector<std::string> given_names(const std::vector<Tensor>& tensors,
                                     const std::map<std::string, Tensor>& names) {
  std::vector<std::string> found;
  for (const Tensor& x : tensors) {
    const auto is_it = [&](const auto& named) { return engine::same_tensor(named.second, x); };
    const auto named = std::find_if(names.begin(), names.end(), is_it);
    found.push_back(named == names.end() ? std::string() : named->first);
  }
  return found;
}

}  // namespace

std::string explain(const std::function<void()>& run, const std::map<std::string, Tensor>& names) {
  const Random same(Random::state());
  const Pause pause;
  const auto noted = [&] {
    const engine::NotedPlans plans;
    run();
    return plans.all();
  }();
  std::string text;
  for (const auto& [step, batch, captured] : noted) {
    const auto called = engine::names_of_captured(given_names(captured, names));
    text += (text.empty() ? "" : "\n") + engine::explained(step, batch, called);
  }
  return text.empty()
             ? "no scan was planned: without steps or rows, in PlainLoops, and while notes "
               "are taken, a scan is the plain loop\n"
             : text;
}

}  // namespace rw
