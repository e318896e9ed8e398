// Philox4x32-10: random numbers by counter instead of by state (Salmon, Moraes, Dror and Shaw,
// "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
//
// A number is a pure function of (seed, draw, position). So a tensor may be filled in any order, in
// pieces, by any number of threads, and a checkpoint need only remember the number of the next
// draw.
#pragma once

#include <array>
#include <cstdint>

#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {
namespace kernels {

using PhiloxKey = std::array<std::uint32_t, 2>;

inline constexpr int kPhiloxRounds = 10;
inline constexpr std::array<std::uint32_t, 2> kPhiloxFactors{0xD2511F53, 0xCD9E8D57};

// A Weyl sequence, by the golden ratio and sqrt(3) - 1.
constexpr PhiloxKey next(PhiloxKey key) { return {key[0] + 0x9E3779B9, key[1] + 0xBB67AE85}; }

// The bijection itself: ten rounds of two 32 x 32 -> 64 bit products.
constexpr std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                                     PhiloxKey key) {
  for (int round = 0; round < kPhiloxRounds; round++, key = next(key)) {
    const std::uint64_t even = std::uint64_t{kPhiloxFactors[0]} * counter[0];
    const std::uint64_t odd = std::uint64_t{kPhiloxFactors[1]} * counter[2];
    counter = {static_cast<std::uint32_t>(odd >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(odd),
               static_cast<std::uint32_t>(even >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(even)};
  }
  return counter;
}

// One draw of one seed: an endless sequence of random bits, addressed by position.
struct PhiloxStream {
  std::uint64_t seed = 0;
  std::uint64_t draw = 0;
};

constexpr PhiloxKey key_of(PhiloxStream stream) {
  return {static_cast<std::uint32_t>(stream.seed), static_cast<std::uint32_t>(stream.seed >> 32)};
}

// The 64 random bits at position i. Requires: i >= 0.
std::uint64_t bits(PhiloxStream stream, Index i);

// The bits at positions 2 first, 2 first + 1, ... up to 2 (first + n), by vector code chosen for
// this machine at run time.
void fill_blocks(PhiloxStream stream, std::uint64_t first, std::uint64_t* out, Index n);

// Writes elements [first, first + n) of the draw to `out`. Element i is the same however the range
// is cut, and on every machine: the arithmetic uses only operations that IEEE 754 rounds exactly.
// Requires: first >= 0. Thread-safe as long as the outputs are apart.
//
// Uniform in [0, 1): multiples of 2^-24 (float) and 2^-53 (double).
void fill_uniform(PhiloxStream stream, Index first, float* out, Index n);
void fill_uniform(PhiloxStream stream, Index first, double* out, Index n);

// Mean 0, deviation 1, by Box and Muller: elements 2j and 2j + 1 are the two coordinates of a
// point. The tails end at 6.66 (float, from 32-bit uniforms) and 8.57 (double, 53 bits).
void fill_normal(PhiloxStream stream, Index first, float* out, Index n);
void fill_normal(PhiloxStream stream, Index first, double* out, Index n);

}  // namespace kernels
}  // namespace rw
