#include "support/run.h"

#include <fmt/core.h>

#include <cmath>

namespace rw::bench {
Line Run::line(const Line& which_case) const {
  Line line = {{"peer", "rewind"}};
  line.update(which_case);
  line["threads"] = options_.threads;
  return line;
}

void Run::put_number(Line& line, const std::string& key, double value) {
  line[key] = std::round(value * 1e4) / 1e4;
}

void Run::put(Line& line, const std::string& key, const Timing& timing, double per_second) {
  put_number(line, key, timing.median * per_second);
  put_number(line, key + "_least", timing.least * per_second);
}

void Run::put_speed(Line& line, const std::string& key, double flops, double seconds) {
  put_number(line, key, flops / seconds / 1e9);
}

void Run::print(Line line) {
  peak_.measure_again();
  for (const std::string prefix : {"", "infer_"}) {
    const auto speed = line.find(prefix + "gflops");
    if (speed == line.end()) continue;
    put_number(line, prefix + "fraction", speed->get<double>() / peak_.gflops());
  }
  put_number(line, "sgemm_peak_gflops", peak_.gflops());
  fmt::print("{}\n", line.dump());
  std::fflush(stdout);
}

void add_options(CLI::App& app, Options& options, const std::vector<std::string>& cells,
                 const std::vector<std::string>& others) {
  app.add_option("--threads", options.threads, "how many threads work")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_flag("--quick", options.quick, "fewer cases and fewer repetitions");
  if (cells.empty()) return;
  options.cells = cells;
  std::vector<std::string> names = cells;
  names.insert(names.end(), others.begin(), others.end());
  app.add_option("--cell", options.cells, "which cells")
      ->transform(CLI::IsMember(std::move(names), CLI::ignore_case))
      ->capture_default_str();
}

int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& body) {
  try {
    app.parse(argc, argv);
    body();
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", app.get_name(), error.what());
    return 2;
  }
}

}  // namespace rw::bench
