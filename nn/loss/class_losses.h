// The operation behind cross_entropy of classes.
#pragma once

#include "rewind/autograd/rules.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

// Of logits [..., n] and int64 classes [...]: the losses [...], each the sum over c of
// -q[c] log softmax(logits)[c], where q[c] is smoothing / n, and 1 - smoothing more for the class;
// and what the derivative wants of each softmax, [..., 2]. Rows whose class is `ignored` are not
// looked at: their loss and gradient are 0. Throws IndexError for another class outside [0, n),
// DtypeError, ShapeError.
//
// Forward keeps the logits, which are there anyway, and two numbers a row; the rewind makes the
// gradient from them, in their place when nobody else holds them.
struct ClassLosses {
  Index ignored;
  double smoothing;
  static constexpr std::string_view name = "cross_entropy";
  static constexpr bool rowwise = true;
  std::array<Spec, 2> infer(const Spec& logits, const Spec& classes) const;
  void run(const Tensor& logits, const Tensor& classes, std::span<Tensor, 2> out) const;
  static void derivative(Rules<ClassLosses> d);
};

}  // namespace nn
}  // namespace rw
