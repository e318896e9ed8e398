// Finds the operation in which a computation first leaves the finite numbers.
#pragma once

#include "rewind/tensor/interpreter.h"

namespace [[gnu::visibility("default")]] rw {

struct NanTrapOptions {
  bool allow_infinity = false;  // only NaN springs the trap: for masks that are made of -inf
};

// While it lives, an operation of this thread that turns finite inputs into a NaN or an infinity
// throws ValueError, which names the operation and the first such element:
//   nan trap: log gave -inf at [2] of its result float32 [3], and its inputs float32 [3] are finite
// Operations without inputs (`full`) are taken to mean what they say. Inside the trap no operation
// works in the storage of its inputs, so it also costs memory.
class NanTrap final : public Interpreter {
 public:
  explicit NanTrap(NanTrapOptions options = {}) : options_(options) {}
  void run(Call& call) override;

 private:
  NanTrapOptions options_;
};

}  // namespace rw
