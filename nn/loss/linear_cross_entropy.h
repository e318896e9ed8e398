// The output layer over many words and its loss as one operation.
#pragma once

#include "rewind/nn/loss/cross_entropy.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

// cross_entropy(linear(x, weight, bias), targets, options) for int64 targets [...], up to rounding,
// without all logits at a time: they exist for 400 rows at most, as do their gradients.
// x [..., features], weight [classes, features], bias [classes] or undefined.
//
//   Tensor loss = nn::linear_cross_entropy(h, head.weight, head.bias, targets);
//
// Where a tape records, mean and sum compute the gradients of x, weight and bias together with the
// loss, those that are asked for, and keep them in place of the logits. So give it all rows of a
// step of training at once: every call keeps a gradient of the weight. With fewer rows than a
// quarter of the features that would be too much, with Reduction::none the factors of the rows are
// not known yet, and of the step of a scan only shapes are: then the rewind computes the logits
// once more, which makes a fourth product of three.
//
// Rows that are ignored are left out of all products, so x is not looked at there either, and
// padding costs nothing. The bits of a row's loss depend on the row and the layer alone, those of
// the gradients not on the number of threads. Second derivatives hold all logits; so does the loss
// with both a class weight and label_smoothing.
//
// Throws what cross_entropy throws, and DtypeError for targets that are probabilities.
Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& bias,
                            const Tensor& targets, const CrossEntropyOptions& options = {});

}  // namespace nn
}  // namespace rw
