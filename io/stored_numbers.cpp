// One line of the table for each dtype of the format that can be read.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "rewind/io/stored_numbers_inl.h"

namespace rw {

static_assert(std::endian::native == std::endian::little,
              "the format is little-endian and its numbers are copied as they are");

namespace {

struct Half {
  std::uint16_t bits;
};
struct BrainFloat {
  std::uint16_t bits;
};

// Exact: every half is a float. Infinity and NaN keep their bits, subnormals become normal numbers.
float to_float(Half half) {
  const std::uint32_t sign = (half.bits & 0x8000U) << 16;
  const std::uint32_t exponent = half.bits >> 10 & 0x1F;
  const std::uint32_t fraction = half.bits & 0x3FF;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t widened = exponent == 0x1F ? 0xFF : exponent + 127 - 15;
  return std::bit_cast<float>(sign | widened << 23 | fraction << 13);
}

float to_float(BrainFloat number) { return std::bit_cast<float>(std::uint32_t{number.bits} << 16); }

template <class From, class F>
bool each(std::span<const std::byte> stored, std::byte* out, F&& store) {
  for (; !stored.empty(); stored = stored.subspan(sizeof(From))) {
    From number;
    std::memcpy(&number, stored.data(), sizeof number);
    const auto converted = store(number);
    std::memcpy(out, &converted, sizeof converted);
    out += sizeof converted;
  }
  return true;
}

bool copied(std::span<const std::byte> stored, std::byte* out) {
  if (!stored.empty()) std::memcpy(out, stored.data(), stored.size());
  return true;
}

bool bools(std::span<const std::byte> stored, std::byte* out) {
  copied(stored, out);
  return std::ranges::all_of(stored, [](std::byte value) { return value <= std::byte{1}; });
}

template <class From>
bool floats(std::span<const std::byte> stored, std::byte* out) {
  return each<From>(stored, out, [](From number) { return to_float(number); });
}

template <class From>
bool integers(std::span<const std::byte> stored, std::byte* out) {
  return each<From>(stored, out, [](From number) { return Index{number}; });
}

bool large_integers(std::span<const std::byte> stored, std::byte* out) {
  bool fits = true;
  each<std::uint64_t>(stored, out, [&fits](std::uint64_t number) {
    fits = fits && number <= std::uint64_t{std::numeric_limits<Index>::max()};
    return number;
  });
  return fits;
}

struct Row {
  std::string_view name;
  StoredNumbers numbers;
};

constexpr Row kRows[] = {
    {"F32", {Dtype::float32, 4, copied}},
    {"F64", {Dtype::float64, 8, copied}},
    {"I64", {Dtype::int64, 8, copied}},
    {"BOOL", {Dtype::boolean, 1, bools}},
    {"F16", {Dtype::float32, 2, floats<Half>}},
    {"BF16", {Dtype::float32, 2, floats<BrainFloat>}},
    {"I8", {Dtype::int64, 1, integers<std::int8_t>}},
    {"I16", {Dtype::int64, 2, integers<std::int16_t>}},
    {"I32", {Dtype::int64, 4, integers<std::int32_t>}},
    {"U8", {Dtype::int64, 1, integers<std::uint8_t>}},
    {"U16", {Dtype::int64, 2, integers<std::uint16_t>}},
    {"U32", {Dtype::int64, 4, integers<std::uint32_t>}},
    {"U64", {Dtype::int64, 8, large_integers}},
};

}  // namespace

const StoredNumbers* find_stored(std::string_view name) {
  const auto* row = std::ranges::find(kRows, name, &Row::name);
  return row == std::end(kRows) ? nullptr : &row->numbers;
}

std::string_view stored_name(Dtype dtype) {
  return std::ranges::find(kRows, dtype, [](const Row& row) { return row.numbers.dtype; })->name;
}

}  // namespace rw
