// What recurrent layers keep alive: a mistake of another system, named by its number in our list of
// them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "nn/recurrent_kinds.h"
#include "support/sanitized.h"

namespace rw::test {
namespace {

std::size_t resident_bytes() {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// pytorch #2198: a hidden state that is carried on keeps all that it was computed from.
TEST(Bug32, ACarriedStateKeepsNothingAlive) {
  const auto layer = recurrent<Lstm>({.layers = 2});
  const Tensor x = layer_input(2, 2);
  auto state = layer.initial(2);
  const auto steps = [&](int count) {
    for (int i = 0; i < count; i++) {
      Tape tape;
      auto result = layer(x, {.initial = state});
      state = std::move(result.final);
      tape.backward({{result.outputs, result.outputs}});
    }
  };
  steps(200);
  const std::size_t blocks = memory::blocks_in_use();
  const std::size_t resident = resident_bytes();
  steps(10'000);
  EXPECT_EQ(memory::blocks_in_use(), blocks);
  const std::size_t after = std::max(resident, resident_bytes());
  EXPECT_TRUE(kSanitized || after - resident < std::size_t{1} << 20) << after - resident;
}

}  // namespace
}  // namespace rw::test
