#include "support/resident_memory.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "rewind/tensor/error.h"

namespace rw::bench {
namespace {

double bytes_of_status(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field)) return 1024 * std::stod(line.substr(field.size()));
  }
  throw Error("memory: /proc/self/status has no " + field + "; this needs Linux");
}

}  // namespace

double peak_bytes_of(const std::function<void()>& f) {
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak so far is forgotten
  const double before = bytes_of_status("VmRSS:");
  f();
  return bytes_of_status("VmHWM:") - before;
}

void in_own_process(std::string_view what, const std::function<void()>& f) {
  const pid_t child = fork();
  require(child >= 0, "memory: cannot start a process for {}", what);
  if (child == 0) {
    f();
    std::_Exit(0);
  }
  int status = 0;
  require(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0,
          "memory: the process for {} failed", what);
}

}  // namespace rw::bench
