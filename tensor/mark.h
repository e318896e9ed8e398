// What the mark of a handle says (tensor.h): an interpreter that marks values finds them again by
// it. The high 36 bits are the interpreter's serial number (Interpreter::new_serial), the low 28
// are its own, a slot.
#pragma once

#include <cstdint>

namespace rw {

inline constexpr int kSlotBits = 28;
inline constexpr std::uint64_t kMostSlots = std::uint64_t{1} << kSlotBits;

constexpr std::uint64_t mark_of(std::uint64_t serial, std::uint64_t slot) {
  return serial << kSlotBits | slot;
}
constexpr std::uint64_t serial_of(std::uint64_t mark) { return mark >> kSlotBits; }
constexpr std::uint32_t slot_in(std::uint64_t mark) {
  return static_cast<std::uint32_t>(mark & (kMostSlots - 1));
}

}  // namespace rw
