// The numbers of C++ that a step was written with, like `rate` in `x * rate`.
//
// They are attributes of operations, and so constants of a plan: the 1 of `1 - z` costs nothing.
// But one that is another at the next call (a rate that decays) would have each call planned anew.
// So a number that was seen to change is read as what it means: as a tensor of no axes that the
// step mentions. It is an input of the plan then, and its value none of the plan's business.
#pragma once

#include <optional>
#include <vector>

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

// Of an operation of this type with other numbers than `known`; nothing, where that is not the only
// difference of their attributes.
std::optional<ChangingNumbers> differing_numbers(std::size_t operation, const void* known,
                                                 const Call& call);

// The same numbers and what else of the operation does something now.
ChangingNumbers extended(ChangingNumbers numbers, const Call& call);

// Reads operations one by one, those of `known` as operations on tensors.
class NumberReader {
 protected:
  explicit NumberReader(const std::vector<ChangingNumbers>& known) : known_(known) {}
  ~NumberReader() = default;

  // To be asked for each operation of the step in turn. Null for one that is read as it is.
  const ChangingNumbers* changing(const Call& call);
  // Reads the operation with these of its numbers as tensors.
  void read_on_tensors(const ChangingNumbers& numbers, Call& call);

  // What is done with an operation; and the step's own tensor for one that it mentions.
  virtual void read(Call& call) = 0;
  virtual Tensor mention(const Tensor& number) = 0;

  std::size_t operations() const { return operations_; }  // that were asked for, this one as well

 private:
  template <class Op>
  Tensor applied(const Tensor& x, double number);

  const std::vector<ChangingNumbers>& known_;
  std::size_t operations_ = 0, next_ = 0;
};

}  // namespace engine
}  // namespace rw
