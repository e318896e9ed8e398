// Element-wise operations as instructions of element programs (tensor/kernels/element_program.h).
#pragma once

#include "rewind/autograd/engine/compile/element_lines.h"
#include "rewind/autograd/engine/step/graph.h"

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

  // The program, in as few instructions as say it.
  kernels::ElementProgram finished() &&;

 private:
  ElementLines lines_;
};

}  // namespace engine
}  // namespace rw
