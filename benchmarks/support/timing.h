// How long a call takes: the median and the least of repeated calls.
//
// A loop of our own and not Google Benchmark's, which chooses its repetitions by another rule: the
// programs in peers/ time by this one, and what is divided should be measured alike.
#pragma once

#include <chrono>
#include <vector>

namespace rw::bench {

struct Timing {
  double median, least;  // seconds
};

struct Repetitions {
  double seconds = 0.5;  // go on for so long,
  int least = 5;         // and for so many,
  double most = 20;      // but stop after so many seconds
};

// The median of times in seconds, of which there is one or more, and the least.
Timing summary(std::vector<double> seconds);

template <class F>
double seconds_of(F&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Calls f twice to warm up, then repeatedly.
template <class F>
Timing measure(const Repetitions& repetitions, F&& f) {
  f();
  f();
  std::vector<double> times;
  double passed = 0;
  do {
    times.push_back(seconds_of(f));
    passed += times.back();
  } while (passed < repetitions.seconds ||
           (std::ssize(times) < repetitions.least && passed < repetitions.most));
  return summary(std::move(times));
}

}  // namespace rw::bench
