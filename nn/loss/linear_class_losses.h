// The operation behind linear_cross_entropy.
#pragma once

#include "rewind/autograd/rules.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

// Of x [rows, features], weight [classes, features], bias [classes], int64 targets [rows] and
// factors [rows]: the sum of the rows' losses, each times its factor; the losses [rows], which are
// those of ClassLosses (class_losses.h) for the logits x weight^T + bias; and the gradients of the
// sum by x, weight and bias, as far as they are wanted, else tensors without elements. x and
// factors of ignored rows are not looked at.
//
// The gradients are results like the others: those of the sum are at hand in the rewind, others
// are computed there by the same operation, with other factors. Rules of gradients (second
// derivatives) are made of ordinary operations, which hold all logits.
//
// Throws IndexError for a target that is neither a class nor ignored, DtypeError, and ShapeError
// for the bias; the other shapes are the caller's care.
struct LinearClassLosses {
  Index ignored;
  double smoothing;
  bool wants_x = false, wants_weight = false, wants_bias = false;
  static constexpr std::string_view name = "linear_cross_entropy";
  std::array<Spec, 5> infer(const Spec& x, const Spec& weight, const Spec& bias,
                            const Spec& targets, const Spec& factors) const;
  void run(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& targets,
           const Tensor& factors, std::span<Tensor, 5> out) const;
  static void derivative(Rules<LinearClassLosses> d);
};

}  // namespace nn
}  // namespace rw
