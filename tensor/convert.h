// From one dtype to another.
#pragma once

#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {

// Each element in another dtype: rounded to nearest into a float, towards zero into int64, whether
// it is not 0 into bool (NaN is not 0), 0 or 1 out of bool.
struct Convert {
  Dtype dtype;
  static constexpr std::string_view name = "to";
  static constexpr bool elementwise = true;
  Spec infer(const Spec& x) const { return x.with_dtype(dtype); }
  void run(const Tensor& x, Tensor& y) const;
};

// x itself when it has that dtype. ValueError for a float that no int64 can stand for: NaN,
// infinities, 2^63 and beyond.
Tensor to(Tensor x, Dtype dtype);

}  // namespace rw
