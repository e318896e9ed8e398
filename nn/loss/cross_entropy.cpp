// Classes and probabilities share one form: rows of losses, and rows of weights whose sum the mean
// divides by. Everything is made of operations, so all derivatives follow.
#include "rewind/nn/loss/cross_entropy.h"

#include <limits>

#include "rewind/nn/loss/class_losses.h"
#include "rewind/nn/loss/class_options.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/views.h"

namespace rw::nn {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Rows {
  Tensor losses;  // 0 for ignored targets
  Tensor counts;  // what the mean divides by is their sum
};

void check_options(const Tensor& logits, const CrossEntropyOptions& options) {
  require<ShapeError>(logits.rank() >= 1 && logits.dim(-1) >= 1,
                      "cross_entropy: logits must be [..., classes] with a class or more, got {}",
                      logits.spec());
  require<DtypeError>(is_float(logits.dtype()),
                      "cross_entropy: logits must be float32 or float64, got {}", logits.spec());
  check_class_options("cross_entropy", logits.spec(), options);
}

// What stands for each class, times the class's weight.
Tensor weighted(const Tensor& x, const Tensor& weight) { return weight.defined() ? x * weight : x; }

Rows rows_of_classes(const Tensor& logits, const Tensor& targets,
                     const CrossEntropyOptions& options) {
  const double smoothing = options.label_smoothing;
  const bool weighs = options.weight.defined();
  Tensor losses =
      apply(ClassLosses{options.ignore_index, weighs ? 0 : smoothing}, logits, targets)[0];
  const Tensor counts = class_counts(targets, logits.dtype(), options);
  if (!weighs) return {losses, counts};
  losses = std::move(losses) * counts;
  if (smoothing > 0) {
    // Of logits that are NaN this is NaN, which masking takes out of the loss; the rule of
    // log_softmax keeps it out of the gradient, where nothing but 0 arrives.
    const Tensor evenly = sum(weighted(log_softmax(logits, -1), options.weight), -1);
    const double share = smoothing / static_cast<double>(logits.dim(-1));
    losses = (1 - smoothing) * std::move(losses) -
             share * masked_fill(evenly, equal(targets, options.ignore_index), 0);
  }
  return {losses, counts};
}

Rows rows_of_probabilities(const Tensor& logits, const Tensor& targets,
                           const CrossEntropyOptions& options) {
  require<DtypeError>(targets.dtype() == logits.dtype(),
                      "cross_entropy: logits {} want probabilities of their dtype, got targets {}",
                      logits.spec(), targets.spec());
  require<ShapeError>(targets.shape() == logits.shape(),
                      "cross_entropy: logits {} want probabilities of their shape, got targets {}",
                      logits.spec(), targets.spec());
  const double smoothing = options.label_smoothing;
  const double share = smoothing / static_cast<double>(logits.dim(-1));
  const Tensor smoothed = smoothing > 0 ? (1 - smoothing) * targets + share : targets;
  // A class that both sides rule out would be 0 * -inf.
  const Tensor log_probabilities = log_softmax(logits, -1);
  const Tensor ruled_out = logical_and(equal(smoothed, 0), equal(log_probabilities, -kInfinity));
  const Tensor terms = smoothed * masked_fill(log_probabilities, ruled_out, 0);
  const Tensor losses = -sum(weighted(terms, options.weight), -1);
  return {losses, ones(losses.shape(), logits.dtype())};
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& targets,
                     const CrossEntropyOptions& options) {
  check_options(logits, options);
  const Rows rows = is_float(targets.dtype()) ? rows_of_probabilities(logits, targets, options)
                                              : rows_of_classes(logits, targets, options);
  if (options.reduction != Reduction::mean) return reduce(rows.losses, options.reduction);
  return mean_of_counted(sum(rows.losses), rows.counts);
}

}  // namespace rw::nn
