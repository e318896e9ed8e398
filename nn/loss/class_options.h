// The options that cross-entropies of classes share.
#pragma once

#include <string_view>

#include "rewind/nn/loss/cross_entropy.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

// Throws what is wrong with options for logits of this spec, in the name of `op`.
void check_class_options(std::string_view op, const Spec& logits,
                         const CrossEntropyOptions& options);

// Throws IndexError for a target that is neither a class of the logits nor ignored.
void check_classes(std::string_view op, const Spec& logits, const Tensor& packed_targets,
                   Index ignored);

// How much each target counts, in the logits' dtype: its class's weight, or 1; 0 if it is ignored.
Tensor class_counts(const Tensor& targets, Dtype dtype, const CrossEntropyOptions& options);

// What the mean is: 0 where nothing counts.
Tensor mean_of_counted(const Tensor& sum_of_losses, const Tensor& counts);

}  // namespace nn
}  // namespace rw
