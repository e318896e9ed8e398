// Element-wise operations as instructions of element programs (tensor/kernels/element_program.h).
#pragma once

#include <map>

#include "rewind/autograd/engine/graph.h"
#include "rewind/tensor/kernels/element_program.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

// Whether it has one. What has none runs by its own kernel.
bool has_element_form(const Operation& operation);

// Writes a program. Values are handles; how the program numbers them is settled in the end.
class ElementWriter {
 public:
  enum class Handle : int {};

  Handle operand();  // the next one
  Handle constant(double number);
  // A value of this program alone.
  Handle temporary();
  void instruction(kernels::ElementCode code, Handle result, Handle a, Handle b = {},
                   Handle c = {});
  // Appends the form of an operation: result = operation(arguments).
  void append(const Operation& operation, Handle result, const std::vector<Handle>& arguments);

  // The program, its temporaries in as few places as the order of instructions allows.
  kernels::ElementProgram finished() const;

 private:
  struct Line {
    kernels::ElementCode code;
    int result, arguments[3];
  };
  static constexpr int kTemporaries = 1 << 10, kConstants = 1 << 20;

  int operands_ = 0, temporaries_ = 0;
  std::vector<double> constants_;
  std::vector<Line> lines_;
};

}  // namespace engine
}  // namespace rw
