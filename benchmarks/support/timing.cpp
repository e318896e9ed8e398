#include "support/timing.h"

#include <algorithm>

namespace rw::bench {

Timing summary(std::vector<double> seconds) {
  std::ranges::sort(seconds);
  return {seconds[seconds.size() / 2], seconds[0]};
}

}  // namespace rw::bench
