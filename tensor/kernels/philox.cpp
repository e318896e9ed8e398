// Filling memory from a counter.
//
// One call of the bijection yields a block of four words. Its counter is (block, draw), 64 bits
// each, and its key is the seed. A float takes one word, so a block holds elements 4b .. 4b + 3; a
// double takes two words and a block holds elements 2b and 2b + 1. Box-Muller pairs never straddle
// blocks, so any range can begin in the middle of a block: the block is computed whole and only
// part is kept. Blocks are made some dozens at a time, and lie in L1 until they are numbers.
//
// Normal numbers need log, sin and cos. Those of the C library may change their last bit with its
// version or the machine, and a seed should mean the same numbers everywhere. The ones below are
// series in + - * / sqrt alone, good to about an ulp of double on the ranges where they are called:
//
//   log u, u in (0, 1]:    u = 2^k m with m in [sqrt(1/2), sqrt(2)), s = (m - 1) / (m + 1),
//                          log m = 2 artanh s = 2 s (1 + s^2 / 3 + s^4 / 5 + ...), s^2 < 0.0295.
//   sin, cos of 2 pi u:    u is split exactly into the nearest quarter turn and a rest of at most
//                          1/8 turn, where the Taylor series of both are short.
//
// In each the first term left out is below 2^-54 of the sum. All of this rests on the compiler not
// fusing products and sums, which the build forbids (-ffp-contract=off).
#include "rewind/tensor/kernels/philox.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace rw::kernels {
namespace {

double log_of_unit(double u) {
  constexpr std::uint64_t kOne = 0x3FF0000000000000, kSqrtHalf = 0x3FE6A09E667F3BCD;
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(u);
  const std::int64_t exponent = static_cast<std::int64_t>((bits + (kOne - kSqrtHalf)) >> 52) - 1023;
  const double m = std::bit_cast<double>(bits - (static_cast<std::uint64_t>(exponent) << 52));
  const double s = (m - 1.0) / (m + 1.0);
  const double z = s * s;
  double sum = 1.0 / 21;
  for (int k = 19; k >= 3; k -= 2) sum = sum * z + 1.0 / k;
  constexpr double kLn2 = 0.6931471805599453;
  return static_cast<double>(exponent) * kLn2 + (2.0 * s + 2.0 * s * z * sum);
}

struct Point {
  double x, y;
};

// (cos, sin) of u turns, u in [0, 1).
Point on_circle(double u) {
  const double quarters = std::floor(4.0 * u + 0.5);
  const double angle = 6.283185307179586 * (u - 0.25 * quarters);
  const double z = angle * angle;
  double cosine = 1.0, sine = 1.0;
  for (int k = 16; k >= 2; k -= 2) {
    cosine = 1.0 - z / ((k - 1) * k) * cosine;
    sine = 1.0 - z / (k * (k + 1)) * sine;
  }
  sine *= angle;
  const int quarter = static_cast<int>(quarters);
  const double x = (quarter & 1) != 0 ? sine : cosine;
  const double y = (quarter & 1) != 0 ? cosine : sine;
  return {((quarter + 1) & 2) != 0 ? -x : x, (quarter & 2) != 0 ? -y : y};
}

// `radius` in (0, 1], `turn` in [0, 1), both uniform.
Point normal_point(double radius, double turn) {
  const double r = std::sqrt(-2.0 * log_of_unit(radius));
  const Point p = on_circle(turn);
  return {r * p.x, r * p.y};
}

constexpr double kTwoToMinus32 = 0x1p-32, kTwoToMinus53 = 0x1p-53;

constexpr std::size_t kBlocks = 64;
using Pairs = std::array<std::uint64_t, 2 * kBlocks>;
using Words = std::array<std::uint32_t, 4 * kBlocks>;

// Calls values(pairs, all, count), which makes at least `count` numbers of some blocks, for those
// that the range touches, and copies out what lies within it.
template <class T, class Values>
void fill(PhiloxStream stream, Index first, T* out, Index n, const Values& values) {
  constexpr auto kPerBlock = 16 / static_cast<Index>(sizeof(T));
  Pairs pairs{};
  std::array<T, kBlocks * kPerBlock> all;
  while (n > 0) {
    const Index skip = first % kPerBlock;
    const Index count = std::min(n, std::ssize(all) - skip);
    fill_blocks(stream, static_cast<std::uint64_t>(first / kPerBlock), pairs.data(),
                (skip + count + kPerBlock - 1) / kPerBlock);
    values(pairs, all, static_cast<std::size_t>(skip + count));
    std::copy_n(all.begin() + skip, count, out);
    first += count;
    out += count;
    n -= count;
  }
}

}  // namespace

std::uint64_t bits(PhiloxStream stream, Index i) {
  const auto half = [](std::uint64_t x) {
    return std::array{static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(x >> 32)};
  };
  const auto [b0, b1] = half(static_cast<std::uint64_t>(i) / 2);
  const auto [d0, d1] = half(stream.draw);
  const auto words = philox4x32_10({b0, b1, d0, d1}, key_of(stream));
  return std::bit_cast<std::array<std::uint64_t, 2>>(words)[static_cast<std::size_t>(i & 1)];
}

void fill_uniform(PhiloxStream stream, Index first, float* out, Index n) {
  fill(stream, first, out, n, [](const Pairs& pairs, auto& all, std::size_t count) {
    const auto words = std::bit_cast<Words>(pairs);
    for (std::size_t k = 0; k < count; k++) {
      // Through an integer with a sign: the others have no instruction.
      all[k] = static_cast<float>(static_cast<std::int32_t>(words[k] >> 8)) * 0x1p-24F;
    }
  });
}

void fill_uniform(PhiloxStream stream, Index first, double* out, Index n) {
  fill(stream, first, out, n, [](const Pairs& pairs, auto& all, std::size_t count) {
    for (std::size_t k = 0; k < count; k++) {
      all[k] = static_cast<double>(static_cast<std::int64_t>(pairs[k] >> 11)) * kTwoToMinus53;
    }
  });
}

void fill_normal(PhiloxStream stream, Index first, float* out, Index n) {
  fill(stream, first, out, n, [](const Pairs& pairs, auto& all, std::size_t count) {
    const auto words = std::bit_cast<Words>(pairs);
    for (std::size_t k = 0; k < count; k += 2) {
      const Point p = normal_point((words[k] + 1.0) * kTwoToMinus32, words[k + 1] * kTwoToMinus32);
      all[k] = static_cast<float>(p.x);
      all[k + 1] = static_cast<float>(p.y);
    }
  });
}

void fill_normal(PhiloxStream stream, Index first, double* out, Index n) {
  fill(stream, first, out, n, [](const Pairs& pairs, auto& all, std::size_t count) {
    for (std::size_t k = 0; k < count; k += 2) {
      const Point p = normal_point(static_cast<double>((pairs[k] >> 11) + 1) * kTwoToMinus53,
                                   static_cast<double>(pairs[k + 1] >> 11) * kTwoToMinus53);
      all[k] = p.x;
      all[k + 1] = p.y;
    }
  });
}

}  // namespace rw::kernels
