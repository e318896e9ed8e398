#include "rewind/nn/loss/class_options.h"

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/select.h"

namespace rw::nn {

void check_class_options(std::string_view op, const Spec& logits,
                         const CrossEntropyOptions& options) {
  require(options.label_smoothing >= 0 && options.label_smoothing <= 1,
          "{}: label_smoothing is {}; it lies in [0, 1]", op, options.label_smoothing);
  const Tensor& weight = options.weight;
  const Index classes = logits.shape.back();
  require<ShapeError>(!weight.defined() || weight.spec() == Spec{{classes}, logits.dtype},
                      "{}: logits {} want weights {} [{}], one per class, got {}", op, logits,
                      logits.dtype, classes, weight.defined() ? weight.spec() : Spec{});
}

void check_classes(std::string_view op, const Spec& logits, const Tensor& packed_targets,
                   Index ignored) {
  const Index n = logits.shape.back();
  Index position = 0;
  for (const Index target : packed_targets.span<Index>()) {
    require<IndexError>((target >= 0 && target < n) || target == ignored,
                        "{}: target {} at position {} of targets {}, but the logits {} have {} "
                        "classes; to ignore targets give them the ignore_index, {}",
                        op, target, position, packed_targets.shape(), logits, n, ignored);
    position++;
  }
}

Tensor class_counts(const Tensor& targets, Dtype dtype, const CrossEntropyOptions& options) {
  const Tensor ignored = equal(targets, options.ignore_index);
  if (!options.weight.defined()) return to(logical_not(ignored), dtype);
  return masked_fill(take(options.weight, masked_fill(targets, ignored, 0)), ignored, 0);
}

Tensor mean_of_counted(const Tensor& sum_of_losses, const Tensor& counts) {
  const Tensor count = sum(counts);
  return sum_of_losses / masked_fill(count, equal(count, 0), 1);
}

}  // namespace rw::nn
