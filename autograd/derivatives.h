// The table of derivatives of the library's operations: one function per subject, one file each.
#pragma once

#include "rewind/autograd/rules.h"
#include "rewind/tensor/arithmetic.h"

namespace [[gnu::visibility("default")]] rw {

// Makes the table known to rules_of. Cheap after the first time.
void library_derivatives();

void arithmetic_derivatives(Derivatives& d);
void unary_derivatives(Derivatives& d);
void activation_derivatives(Derivatives& d);
void select_derivatives(Derivatives& d);
void view_derivatives(Derivatives& d);
void joining_derivatives(Derivatives& d);
void matmul_derivatives(Derivatives& d);
void indexing_derivatives(Derivatives& d);
void reduction_derivatives(Derivatives& d);
void product_derivatives(Derivatives& d);
void extrema_derivatives(Derivatives& d);
void softmax_derivatives(Derivatives& d);
void division_derivatives(Derivatives& d);

}  // namespace rw
