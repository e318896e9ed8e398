// Runs kernels on every instruction set, not on the best alone.
#pragma once

#include <hwy/highway.h>

#include <cstdint>
#include <vector>

namespace rw::kernels {

// Every instruction set that is compiled in and runs here; the destructor goes back to the best.
class Targets {
 public:
  Targets() : all_(hwy::SupportedAndGeneratedTargets()) {}
  Targets(const Targets&) = delete;
  Targets& operator=(const Targets&) = delete;
  ~Targets() { choose(0); }

  const std::vector<std::int64_t>& all() const { return all_; }

  static void choose(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }

 private:
  std::vector<std::int64_t> all_;
};

}  // namespace rw::kernels
