#include "rewind/tensor/interpreters/profiler.h"

#include <algorithm>
#include <chrono>

namespace rw {

void Profiler::run(Call& call) {
  const auto start = std::chrono::steady_clock::now();
  hand_down(call);
  const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - start;
  Entry& entry = entries_[&call.type];
  entry.calls++;
  entry.nanoseconds += taken.count();
}

std::vector<Profiler::Entry> Profiler::entries() const {
  std::vector<Entry> result;
  for (const auto& [type, entry] : entries_) {
    result.push_back(entry);
    result.back().name = type->name;
  }
  std::sort(result.begin(), result.end(), [](const Entry& a, const Entry& b) {
    return a.nanoseconds != b.nanoseconds ? a.nanoseconds > b.nanoseconds : a.name < b.name;
  });
  return result;
}

std::string to_string(const Profiler& profiler) {
  const std::vector<Profiler::Entry> entries = profiler.entries();
  Profiler::Entry total{"total"};
  for (const Profiler::Entry& e : entries) {
    total.calls += e.calls;
    total.nanoseconds += e.nanoseconds;
  }
  const auto all = static_cast<double>(std::max<std::int64_t>(total.nanoseconds, 1));
  std::string text = fmt::format("{:<20}{:>10}{:>12}{:>12}{:>9}\n", "operation", "calls",
                                 "total ms", "mean us", "share");
  const auto line = [&](const Profiler::Entry& e) {
    const auto time = static_cast<double>(e.nanoseconds);
    const auto calls = static_cast<double>(std::max<std::int64_t>(e.calls, 1));
    text += fmt::format("{:<20}{:>10}{:>12.3f}{:>12.3f}{:>7.1f} %\n", e.name, e.calls, time / 1e6,
                        time / 1e3 / calls, 100 * time / all);
  };
  std::for_each(entries.begin(), entries.end(), line);
  line(total);
  return text;
}

}  // namespace rw
