#include "rewind/autograd/parameter_watch.h"

#include <algorithm>
#include <utility>

#include "rewind/autograd/scopes.h"

namespace rw {
namespace {

constinit thread_local ParameterWatch::Scope* youngest = nullptr;

}  // namespace

ParameterWatch::Scope::Scope(ParameterWatch& watch)
    : watch_(watch), outer_(std::exchange(youngest, this)) {
  watch_.seen_.clear();
}

// Handles that came and went in the meantime are no departures.
ParameterWatch::Scope::~Scope() {
  end_scope(youngest, this, &Scope::outer_);
  for (Seen& seen : watch_.seen_) seen.departures = seen.parameter->departures.load();
}

void ParameterWatch::saw(const std::shared_ptr<ParameterState>& parameter) {
  for (Scope* scope = youngest; scope; scope = scope->outer_) {
    std::vector<Seen>& all = scope->watch_.seen_;
    const auto known = [&](const Seen& seen) { return seen.parameter == parameter; };
    if (std::none_of(all.begin(), all.end(), known))
      all.push_back({parameter, parameter->value, 0});
  }
}

bool ParameterWatch::changed() const noexcept {
  return std::any_of(seen_.begin(), seen_.end(), [](const Seen& seen) {
    return seen.parameter->value.identity() != seen.value.identity() ||
           seen.parameter->departures.load(std::memory_order_relaxed) != seen.departures;
  });
}

}  // namespace rw
