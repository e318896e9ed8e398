// Fisher and Yates's shuffle with Philox: choice i of epoch e is the number at (seed, e, i).
#include "rewind/data/shuffle.h"

#include <numeric>
#include <utility>

#include "rewind/tensor/kernels/philox.h"

namespace rw {

namespace {

// A random scope counts its draws up from 0; orders take theirs from the upper half of the numbers.
constexpr std::uint64_t kFirstDraw = std::uint64_t{1} << 63;

// An integer in [0, limit): the upper half of a 128-bit product (Lemire, 2019).
std::size_t below(std::uint64_t limit, std::uint64_t random_bits) {
  return static_cast<std::size_t>(static_cast<unsigned __int128>(random_bits) * limit >> 64);
}

}  // namespace

std::vector<Index> shuffled(Index count, Index seed, Index epoch) {
  require(count >= 0 && epoch >= 0, "shuffled: count {} and epoch {} must not be negative", count,
          epoch);
  const kernels::PhiloxStream stream{static_cast<std::uint64_t>(seed),
                                     kFirstDraw + static_cast<std::uint64_t>(epoch)};
  std::vector<Index> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t left = order.size(); left > 1; --left) {
    const std::uint64_t random_bits = kernels::bits(stream, static_cast<Index>(left));
    std::swap(order[left - 1], order[below(left, random_bits)]);
  }
  return order;
}

}  // namespace rw
