// Conversion between all dtypes.
#include "rewind/tensor/convert.h"

#include "support/message_of.h"
#include "support/reference.h"

namespace rw {
namespace {

using namespace reference;

TEST(Convert, EqualsItsNaiveTwinInEveryLayout) {
  const Dtype all[] = {float32, float64, int64, boolean};
  for (Dtype from : all) {
    for (Dtype into : all) {
      for (const Dims& shape : shapes()) {
        for (const Tensor& x : layouts({shape, from})) {
          const Tensor y = to(x, into);
          EXPECT_EQ(y.dtype(), into);
          expect_close(y,
                       map(
                           [&](double v) {
                             return into == boolean ? v != 0 : into == int64 ? std::trunc(v) : v;
                           },
                           x),
                       from == float64 && into == float32 ? 6e-8 : 0);
        }
      }
    }
  }
}

TEST(Convert, ToItsOwnDtypeIsTheTensorItself) {
  const Tensor x = sample({{3}, float32});
  EXPECT_TRUE(to(x, float32).shares_storage_with(x));
}

TEST(Convert, NanIsTrue) { EXPECT_EQ(to(doubles({}, {NAN}), boolean).item(), 1); }

TEST(Convert, NamesANumberThatNoIntegerStandsFor) {
  EXPECT_EQ(message_of<ValueError>([] {
              to(doubles({2, 2}, {1, 2, NAN, INFINITY}), int64);
            }),
            "to: nan at [1, 0] of float64 [2, 2] is no int64");
  EXPECT_EQ(message_of<ValueError>([] {
              to(tensor<float>({2}, {0, 0x1p63f}), int64);
            }),
            "to: 9.223372e+18 at [1] of float32 [2] is no int64");
  EXPECT_EQ(to(doubles({1}, {-0x1p63}), int64).span<Index>()[0], std::numeric_limits<Index>::min());
}

}  // namespace
}  // namespace rw
