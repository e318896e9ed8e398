// An element program while it is written: lines whose values have names, as many as they like.
#pragma once

#include <array>

#include "rewind/tensor/kernels/element_program.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct ElementLine {
  kernels::ElementCode code;
  int result;
  std::array<int, 3> arguments;  // -1: none
};

struct ElementLines {
  // Operands are named from 0 on, temporaries and constants from these numbers on.
  static constexpr int kTemporaries = 1 << 20, kConstants = 1 << 24;
  static bool is_temporary(int name) { return name >= kTemporaries && name < kConstants; }

  int operands = 0, temporaries = 0;
  std::vector<double> constants;
  std::vector<ElementLine> lines;
};

// Lines that one instruction can do become one: the slopes of sigmoid and tanh, a product with a
// sum, a choice by the opposite of a mask. Each keeps its roundings, so the numbers are the same.
void combine(ElementLines& program);

// The program for the kernel: its temporaries in as few places as the order of lines allows.
kernels::ElementProgram numbered(const ElementLines& program);

}  // namespace engine
}  // namespace rw
