// Whether a scan has the same bits for any number of threads.
#pragma once

#include <initializer_list>

#include "autograd/engine/scan_comparison.h"
#include "support/same_bits.h"

namespace rw::test {

// Of all that can be asked of it, on one thread and on each of these numbers of them.
inline void expect_the_same_bits(const ScanCase& c, std::initializer_list<int> several) {
  const auto with = [&](int threads) {
    const Threads scope(threads);
    return all_of(c);
  };
  const Tensors one = with(1);
  for (const int threads : several) {
    const Tensors all = with(threads);
    ASSERT_EQ(all.size(), one.size());
    for (std::size_t i = 0; i < one.size(); i++) {
      EXPECT_TRUE(same_bits(all[i], one[i])) << "value " << i << ", " << threads << " threads";
    }
  }
}

}  // namespace rw::test
