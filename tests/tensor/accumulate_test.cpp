// Rows added to sums of columns, on every instruction set that runs here.
#include "rewind/tensor/kernels/accumulate.h"

#include <cmath>
#include <limits>
#include <vector>

#include "tensor/every_target.h"

namespace rw::kernels {
namespace {

template <class T>
class Accumulate : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(Accumulate, Floats);

// No two alike, of very different sizes, so that a sum in float32 would be seen.
template <class T>
std::vector<T> wave(std::size_t count, double phase) {
  std::vector<T> all(count);
  for (std::size_t i = 0; i < count; i++) {
    const double k = static_cast<double>(i) + phase;
    all[i] = static_cast<T>(std::sin(1.7 * k) * std::pow(10, 3 * std::sin(0.3 * k)));
  }
  return all;
}

TYPED_TEST(Accumulate, IsItsDefinitionOnEveryTarget) {
  using T = TypeParam;
  for_every_target([] {
    for (std::size_t n = 0; n <= 70; n++) {
      for (const std::size_t from : {0u, 1u, 3u}) {  // where it begins, among other numbers
        for (const bool soon : {false, true}) {
          const std::vector<T> x = wave<T>(n + 6, 1), next = wave<T>(n + 6, 2);
          std::vector<double> sums = wave<double>(n + 6, 3), expected = sums;
          for (std::size_t i = from; i < from + n; i++) expected[i] += static_cast<double>(x[i]);
          accumulate(x.data() + from, static_cast<Index>(n), sums.data() + from,
                     soon ? next.data() + from : nullptr);
          ASSERT_EQ(sums, expected) << n << " from " << from;
        }
      }
    }
  });
}

TYPED_TEST(Accumulate, KeepsInfinitiesAndNanInTheirColumn) {
  using T = TypeParam;
  for_every_target([] {
    constexpr std::size_t kColumns = 19;
    for (std::size_t at = 0; at < kColumns; at++) {
      std::vector<T> x(kColumns, 1);
      std::vector<double> sums(kColumns, 2);
      x[at] = std::numeric_limits<T>::infinity();
      accumulate(x.data(), kColumns, sums.data(), nullptr);
      x[at] = -std::numeric_limits<T>::infinity();
      accumulate(x.data(), kColumns, sums.data(), nullptr);
      for (std::size_t i = 0; i < kColumns; i++) {
        if (i == at) {
          ASSERT_TRUE(std::isnan(sums[i])) << at;
        } else {
          ASSERT_EQ(sums[i], 4) << at;
        }
      }
    }
  });
}

}  // namespace
}  // namespace rw::kernels
