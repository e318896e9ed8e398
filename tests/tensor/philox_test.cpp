// Random numbers: the published known answers, independence of order and chunking, and the shape of
// the distributions.
#include "rewind/tensor/kernels/philox.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "tensor/every_target.h"

namespace rw::kernels {
namespace {

using Words = std::array<std::uint32_t, 4>;

TEST(Philox, GivesThePublishedKnownAnswers) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(philox4x32_10({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(
      philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, SeedDrawAndPositionAreTheKeyAndTheCounter) {
  const PhiloxStream pi{.seed = 0x299f31d0a4093822, .draw = 0x0370734413198a2e};
  EXPECT_EQ(bits({0, 0}, 0), 0xe169c58d6627e8d5);
  EXPECT_EQ(bits({0, 0}, 1), 0x9b00dbd8bc57ac4c);
  EXPECT_EQ(bits(pi, 0), bits(pi, 0));
  const Words words = philox4x32_10({7, 1, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0});
  EXPECT_EQ(bits(pi, 2 * 0x100000007 + 1), words[2] | std::uint64_t{words[3]} << 32);
}

TEST(Philox, BlocksSideBySideAreThoseOneByOneOnEveryTarget) {
  for_every_target([] {
    // The number of the block and of the draw both pass 2^32 on the way.
    const PhiloxStream stream{.seed = 0x299f31d0a4093822, .draw = 0xffffffff00000005};
    constexpr std::uint64_t kFirst = 0xfffffff0;
    for (const Index n : {0, 1, 3, 8, 21, 64}) {
      std::vector<std::uint64_t> pairs(static_cast<std::size_t>(2 * n + 1), 7);
      fill_blocks(stream, kFirst, pairs.data(), n);
      for (Index i = 0; i < 2 * n; i++) {
        ASSERT_EQ(pairs[static_cast<std::size_t>(i)],
                  bits(stream, static_cast<Index>(2 * kFirst) + i));
      }
      EXPECT_EQ(pairs.back(), 7u);
    }
  });
}

template <class T>
std::vector<T> draw(void (*fill)(PhiloxStream, Index, T*, Index), Index first, Index n,
                    PhiloxStream stream = {.seed = 42, .draw = 3}) {
  std::vector<T> out(static_cast<std::size_t>(n));
  fill(stream, first, out.data(), n);
  return out;
}

template <class T>
struct PhiloxFill : testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(PhiloxFill, Floats);

TYPED_TEST(PhiloxFill, AnElementDependsOnlyOnItsPosition) {
  using Fill = void (*)(PhiloxStream, Index, TypeParam*, Index);
  for (const Fill fill : {Fill{fill_uniform}, Fill{fill_normal}}) {
    const auto whole = draw<TypeParam>(fill, 0, 41);
    const auto far = draw<TypeParam>(fill, 30, 1000);  // more than is made at a time
    EXPECT_TRUE(std::equal(whole.begin() + 30, whole.end(), far.begin()));
    const auto end = draw<TypeParam>(fill, 1025, 5);
    EXPECT_TRUE(std::equal(end.begin(), end.end(), far.begin() + 995));
    for (Index first = 0; first <= 41; ++first) {
      for (Index n = 0; first + n <= 41; ++n) {
        const auto piece = draw<TypeParam>(fill, first, n);
        EXPECT_TRUE(std::equal(piece.begin(), piece.end(), whole.begin() + first));
      }
    }
  }
}

TYPED_TEST(PhiloxFill, SeedsAndDrawsDiffer) {
  using Fill = void (*)(PhiloxStream, Index, TypeParam*, Index);
  const Fill fill = fill_uniform;
  const auto here = draw<TypeParam>(fill, 0, 100, {.seed = 1, .draw = 1});
  for (const PhiloxStream other :
       {PhiloxStream{1, 2}, PhiloxStream{2, 1}, PhiloxStream{1 + (1ULL << 32), 1},
        PhiloxStream{1, 1 + (1ULL << 32)}}) {
    const auto there = draw<TypeParam>(fill, 0, 100, other);
    int same = 0;
    for (std::size_t i = 0; i < here.size(); ++i) same += here[i] == there[i] ? 1 : 0;
    EXPECT_LE(same, 1);
  }
}

TYPED_TEST(PhiloxFill, UniformStaysBelowOneAndFillsEveryBinAlike) {
  constexpr Index kCount = 1 << 20, kBins = 256;
  std::vector<double> bin(kBins, 0.0);
  for (const TypeParam u : draw<TypeParam>(fill_uniform, 1, kCount)) {
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    bin[static_cast<std::size_t>(u * TypeParam{kBins})] += 1;
  }
  double chi_squared = 0;
  constexpr double kExpected = static_cast<double>(kCount) / kBins;
  for (const double b : bin) chi_squared += (b - kExpected) * (b - kExpected) / kExpected;
  EXPECT_NEAR(chi_squared, kBins - 1, 5 * std::sqrt(2.0 * kBins));  // five deviations
}

TYPED_TEST(PhiloxFill, UniformUsesEveryBitOfTheSignificand) {
  const double scale = std::is_same_v<TypeParam, float> ? 0x1p24 : 0x1p53;
  std::uint64_t any = 0;
  for (const TypeParam u : draw<TypeParam>(fill_uniform, 0, 1000)) {
    const double integer = static_cast<double>(u) * scale;
    ASSERT_EQ(integer, std::floor(integer));
    any |= static_cast<std::uint64_t>(integer);
  }
  EXPECT_EQ(any, static_cast<std::uint64_t>(scale) - 1);
}

TYPED_TEST(PhiloxFill, NormalHasTheMomentsAndTheTailsOfTheBell) {
  constexpr Index kCount = 1 << 20;
  double moment[4] = {0, 0, 0, 0}, beyond = 0, neighbours = 0, previous = 0;
  for (const TypeParam value : draw<TypeParam>(fill_normal, 0, kCount)) {
    const double z = static_cast<double>(value);
    double power = 1;
    for (double& m : moment) m += (power *= z) / kCount;
    beyond += std::abs(z) > 2 ? 1.0 / kCount : 0;
    neighbours += z * previous / kCount;
    previous = z;
  }
  const double deviation = 1 / std::sqrt(static_cast<double>(kCount));
  EXPECT_NEAR(moment[0], 0, 5 * deviation);
  EXPECT_NEAR(moment[1], 1, 5 * deviation * std::sqrt(2.0));
  EXPECT_NEAR(moment[2], 0, 5 * deviation * std::sqrt(15.0));
  EXPECT_NEAR(moment[3], 3, 5 * deviation * std::sqrt(96.0));
  EXPECT_NEAR(beyond, std::erfc(std::numbers::sqrt2), 5 * deviation * 0.21);
  EXPECT_NEAR(neighbours, 0, 5 * deviation);
}

// The polynomials of the implementation against the C library, to a few ulp of double.
TEST(Philox, NormalIsTheBoxMullerPointOfItsUniforms) {
  const PhiloxStream stream{.seed = 9, .draw = 1};
  const auto z = draw<double>(fill_normal, 0, 20000, stream);
  for (Index i = 0; i < 20000; i += 2) {
    const double radius = (static_cast<double>(bits(stream, i) >> 11) + 1) * 0x1p-53;
    const double angle =
        2 * std::numbers::pi * static_cast<double>(bits(stream, i + 1) >> 11) * 0x1p-53;
    const double r = std::sqrt(-2 * std::log(radius));
    const auto at = static_cast<std::size_t>(i);
    ASSERT_NEAR(z[at], r * std::cos(angle), 4e-15) << i;
    ASSERT_NEAR(z[at + 1], r * std::sin(angle), 4e-15) << i;
  }
}

TEST(Philox, AFloatNormalIsTheRoundedPointOf32BitUniforms) {
  const Words words = philox4x32_10({0, 0, 1, 0}, {9, 0});
  const auto z = draw<float>(fill_normal, 0, 4, {.seed = 9, .draw = 1});
  for (std::size_t k = 0; k < 4; k += 2) {
    const double r = std::sqrt(-2 * std::log((words[k] + 1.0) * 0x1p-32));
    const double angle = 2 * std::numbers::pi * words[k + 1] * 0x1p-32;
    EXPECT_FLOAT_EQ(z[k], static_cast<float>(r * std::cos(angle)));
    EXPECT_FLOAT_EQ(z[k + 1], static_cast<float>(r * std::sin(angle)));
  }
}

// A seed must mean the same numbers on every machine and in every later version.
TEST(Philox, NumbersArePinnedToTheLastBit) {
  const PhiloxStream stream{.seed = 2024, .draw = 7};
  const auto u = draw<float>(fill_uniform, 0, 600, stream);
  const auto wide = draw<double>(fill_uniform, 0, 600, stream);
  for (Index i = 0; i < 600; i++) {
    const auto at = static_cast<std::size_t>(i);
    const std::uint64_t of_float = bits(stream, i / 2) >> (i % 2 * 32) & 0xffffffff;
    ASSERT_EQ(u[at], static_cast<float>(of_float >> 8) * 0x1p-24F);
    ASSERT_EQ(wide[at], static_cast<double>(bits(stream, i) >> 11) * 0x1p-53);
  }

  EXPECT_EQ(draw<double>(fill_normal, 0, 4, {.seed = 2024, .draw = 7}),
            (std::vector<double>{-0x1.6c9699dfa37fcp-1, -0x1.450a001780388p+0, 0x1.7e07c88c6e727p-1,
                                 0x1.52c25e43b528fp+0}));
}

}  // namespace
}  // namespace rw::kernels
