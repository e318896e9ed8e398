// The numbers of C++ that a step was written with, like `rate` in `x * rate`.
//
// They are attributes of operations, and so constants of a plan: the 1 of `1 - z` costs nothing.
// But one that is another at the next call (a rate that decays) would have each call planned anew.
// So a number that was seen to change is read as what it means: as a tensor of no axes that the
// step mentions. It is an input of the plan then, and its value none of the plan's business.
#pragma once

#include <optional>

#include "rewind/tensor/interpreter.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// An operation of a step, counted from the first, whose numbers are inputs: of an `Affine` those
// that were seen to do something (a scale of 1 and a shift of -0.0 do nothing), of a `ScalarSource`
// the one that it has.
struct ChangingNumbers {
  std::size_t operation;
  bool scale = false, shift = false;
  friend bool operator==(const ChangingNumbers&, const ChangingNumbers&) = default;
};

// Whether operations of this type have such numbers.
bool has_numbers(const OpType& type);

// Of an operation of this type with other numbers than `known`; nothing, where that is not the only
// difference of their attributes.
std::optional<ChangingNumbers> differing_numbers(std::size_t operation, const void* known,
                                                 const Call& call);

// The same numbers and what else of the operation does something now.
ChangingNumbers extended(ChangingNumbers numbers, const Call& call);

// The number as a tensor of no axes, made by no operation: to a step one that it mentions.
Tensor tensor_of(double number, Dtype dtype);

}  // namespace engine
}  // namespace rw
