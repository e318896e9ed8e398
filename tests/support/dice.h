// Dice that fall the same way in every run.
#pragma once

#include <concepts>
#include <cstdint>

namespace rw::test {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}

  // 0 .. sides - 1
  template <std::integral Number>
  Number operator()(Number sides) {
    state_ ^= state_ << 13, state_ ^= state_ >> 7, state_ ^= state_ << 17;
    return static_cast<Number>((state_ >> 11) % static_cast<std::uint64_t>(sides));
  }

 private:
  std::uint64_t state_;
};

}  // namespace rw::test
