// What the benchmark programs share: their options, and the lines of JSON that they print, one per
// case, with the keys that the programs in peers/ print too.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rewind/tensor/parallel.h"
#include "support/sgemm_peak.h"
#include "support/timing.h"

namespace rw::bench {

using Line = nlohmann::ordered_json;

struct Options {
  int threads = 1;
  bool quick = false;              // fewer cases and fewer repetitions
  std::vector<std::string> cells;  // those to measure

  Repetitions repetitions() const { return quick ? Repetitions{.seconds = 0.05} : Repetitions{}; }
};

// One run of a benchmark. Its thread count holds until its end.
class Run {
 public:
  explicit Run(const Options& options) : options_(options), threads_(options.threads) {}

  const Options& options() const { return options_; }

  // The beginning of a line: who measured on how many threads, and which case.
  Line line(const Line& which_case) const;

  // Writes `key` with the median and `key`_least, in a unit of which a second has `per_second`.
  static void put(Line& line, const std::string& key, const Timing& timing, double per_second);

  // To four places, as the programs in peers/ do.
  static void put_number(Line& line, const std::string& key, double value);

  // Writes the speed as `key`, which is "gflops" or "infer_gflops".
  static void put_speed(Line& line, const std::string& key, double flops, double seconds);

  // Measures the sgemm peak once more and prints the line, with the best peak so far and what
  // fraction of it each speed is ("fraction", "infer_fraction").
  void print(Line line);

 private:
  Options options_;
  Threads threads_;
  SgemmPeak peak_;
};

// Adds --threads and --quick, and --cell where `cells` says of which; none given means all. Of
// `others` those are measured that are named.
void add_options(CLI::App& app, Options& options, const std::vector<std::string>& cells = {},
                 const std::vector<std::string>& others = {});

// Parses the command line and calls `body`. The exit status of the program: 2 after an error, which
// is printed.
int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& body);

}  // namespace rw::bench
