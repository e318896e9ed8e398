// Shapes and the list of operations, without any arithmetic.
#pragma once

#include <string>
#include <vector>

#include "rewind/tensor/interpreter.h"

namespace [[gnu::visibility("default")]] rw {

// While it lives, operations of this thread are not computed. Their results have a shape and no
// numbers (reading one throws ValueError), and what was applied to what is written down.
class ShapeTracer final : public Interpreter {
 public:
  // Values are numbered in the order in which they appear: inputs, captured tensors, results.
  struct Step {
    std::string operation, attributes;
    std::vector<int> inputs, outputs;
    std::vector<Spec> specs;  // of the outputs
  };

  // A value of which only the shape is known, to trace with.
  Tensor input(const Spec& spec);

  const std::vector<Step>& steps() const { return steps_; }

  void run(Call& call) override;

 private:
  int number_of(const Tensor& x);
  int mark(Tensor& x);

  std::uint64_t serial_ = new_serial();
  int values_ = 0;
  std::vector<Tensor> captured_;
  std::vector<int> captured_numbers_;
  std::vector<Step> steps_;
};

// One line per step: `%2 = matmul(%0, %1) float32 [2, 4]`, attributes in braces after the name.
std::string to_string(const ShapeTracer& tracer);

}  // namespace rw
