// Running sums.
#pragma once

#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {

// y[i] = x[0] + ... + x[i] along an axis, or in reverse x[i] + ... + x[n - 1], added in that order.
// float32 is accumulated in double; int64 wraps; bool is refused (DtypeError).
struct CumSum {
  int axis;
  bool reverse;
  static constexpr std::string_view name = "cumsum";
  static constexpr bool updates = true;
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

struct CumSumOptions {
  bool reverse = false;
};

// IndexError for an axis that x does not have.
Tensor cumsum(Tensor x, Index axis, CumSumOptions options = {});

}  // namespace rw
