// What the rewind holds against the derivative of an operation: that there is none, or that what it
// gave is no gradient of the input. All throw, and name the operation.
#pragma once

#include "rewind/autograd/gradients.h"
#include "rewind/autograd/record.h"

namespace [[gnu::visibility("default")]] rw {

// GradientError: the operation has no derivative.
[[noreturn]] void throw_missing_rule(Record& r);

// ShapeError, where dx is not of the spec of input i.
void check_gradient(Record& r, std::size_t i, const Tensor& dx);

// ShapeError, where a term with rows is not one of input i, which is of this spec.
void check_rows(Record& r, std::size_t i, const Spec& spec, const Gradient::Term& term);

}  // namespace rw
