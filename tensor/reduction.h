// Sums and their kin over axes.
//
// `axes` names what goes: sum(x) is one number, sum(x, 0) adds the rows of a matrix, sum(x, {0,
// -1}) leaves the axes between. With keepdims the axes stay, of size 1, and the result broadcasts
// against x. IndexError for an axis that x does not have, ValueError for one named twice.
//
// float32 is accumulated in double and rounded once. The order of the additions is fixed (see
// kernels/fold.h): the same values give the same bits in every layout and for any number of
// threads.
#pragma once

#include "rewind/tensor/axes.h"
#include "rewind/tensor/op.h"

namespace [[gnu::visibility("default")]] rw {

// Of nothing: 0. bool is counted, into int64; overflow of int64 wraps.
struct Sum : Reduction {
  static constexpr std::string_view name = "sum";
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

// float32 or float64. Of nothing: NaN.
struct Mean : Reduction {
  static constexpr std::string_view name = "mean";
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

// Of nothing: 1. Overflow of int64 wraps.
struct Prod : Reduction {
  static constexpr std::string_view name = "prod";
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

// The sum of (x - mean)^2, divided by max(n - correction, 0). Where that is 0 the result and its
// gradient are infinite, and NaN where the sum is 0, as in NumPy and PyTorch. float32 or float64.
// Two passes, so that a large mean costs no digits.
struct Var {
  AxisMask axes;
  bool keepdims;
  double correction;
  static constexpr std::string_view name = "var";
  double divisor(const Dims& shape) const;
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

// Whether any, or each, is true: bool to bool. Of nothing: false, and true.
struct Any : Reduction {
  static constexpr std::string_view name = "any";
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};
struct All : Reduction {
  static constexpr std::string_view name = "all";
  Spec infer(const Spec& x) const;
  void run(const Tensor& x, Tensor& y) const;
};

Tensor sum(const Tensor& x, Axes axes = {}, bool keepdims = false);
Tensor mean(const Tensor& x, Axes axes = {}, bool keepdims = false);
Tensor prod(const Tensor& x, Axes axes = {}, bool keepdims = false);
Tensor any(const Tensor& x, Axes axes = {}, bool keepdims = false);
Tensor all(const Tensor& x, Axes axes = {}, bool keepdims = false);

// correction 1 estimates the variance of what x is a sample of (as PyTorch), 0 takes that of x
// itself (as NumPy).
struct VarOptions {
  double correction = 1;
  bool keepdims = false;
};
Tensor var(const Tensor& x, Axes axes = {}, VarOptions options = {});

}  // namespace rw
