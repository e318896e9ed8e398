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

// The bijection itself: ten rounds of two 32 x 32 -> 64 bit products, keyed by a Weyl sequence.
constexpr std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                                     std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t even = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t odd = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(odd >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(odd),
               static_cast<std::uint32_t>(even >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(even)};
    key[0] += 0x9E3779B9;  // the golden ratio
    key[1] += 0xBB67AE85;  // sqrt(3) - 1
  }
  return counter;
}

// One draw of one seed: an endless sequence of random bits, addressed by position.
struct PhiloxStream {
  std::uint64_t seed = 0;
  std::uint64_t draw = 0;
};

// The 64 random bits at position i. Requires: i >= 0.
std::uint64_t bits(PhiloxStream stream, Index i);

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
