// What an operation says of the dtypes that it takes: for the first line of its shape rule.
#pragma once

#include "rewind/tensor/spec.h"

namespace [[gnu::visibility("default")]] rw {

// Return the spec that they were given. Throw DtypeError in the name of `op` for the others.
const Spec& takes_floats(std::string_view op, const Spec& x);   // float32, float64
const Spec& takes_numbers(std::string_view op, const Spec& x);  // not bool
const Spec& takes_bools(std::string_view op, const Spec& x);

// Whether a C++ number means the same as an element of x: 0 or 1 for bool, whole for int64 and
// below 2^53 in size. All below are doubles; those from there on may have been integers that were
// rounded. Throws DtypeError in the name of `op`, and ValueError for a finite number that would be
// infinite in float32. (Infinity and NaN are what they are in both floating dtypes.)
void takes_element(std::string_view op, double number, const Spec& x);

}  // namespace rw
