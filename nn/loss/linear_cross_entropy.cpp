#include "rewind/nn/loss/linear_cross_entropy.h"

#include "rewind/autograd/tape.h"
#include "rewind/nn/linear.h"
#include "rewind/nn/loss/class_options.h"
#include "rewind/nn/loss/linear_class_losses.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/blocks.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/views.h"

namespace rw::nn {
namespace {

void check(const Tensor& x, const Tensor& weight, const Tensor& targets,
           const CrossEntropyOptions& options) {
  require<ShapeError>(
      x.rank() >= 1 && weight.rank() == 2 && weight.dim(0) >= 1 && x.dim(-1) == weight.dim(1),
      "linear_cross_entropy: x must be [..., features] and the weight [classes, "
      "features], with a class or more, got {} and {}",
      x.spec(), weight.spec());
  const Dims rows = x.shape().without(x.rank() - 1);
  require<ShapeError>(targets.shape() == rows,
                      "linear_cross_entropy: x {} wants classes {}, got targets {}", x.spec(), rows,
                      targets.spec());
  require<DtypeError>(targets.dtype() == int64,
                      "linear_cross_entropy: targets must be int64 classes, got {}; cross_entropy "
                      "takes probabilities beside logits",
                      targets.spec());
  const Spec logits = x.spec().with_shape(x.shape().with(x.rank() - 1, weight.dim(0)));
  check_class_options("linear_cross_entropy", logits, options);
  // The operation looks at the targets; but before it the weights are taken by them.
  if (options.weight.defined() && targets.has_data()) {
    check_classes("linear_cross_entropy", logits, row_major(targets), options.ignore_index);
  }
}

bool on_tape(const Tensor& x) {
  const Tape* const tape = Tape::current();
  return tape && tape->holds(x.mark());
}

// What a call keeps then is at most four times as large as its logits, also in a loop over time.
constexpr Index kFeaturesOfARow = 4;

// The gradients to be computed with the loss: all that the rewind will want, or none.
LinearClassLosses operation(const Tensor& x, const Tensor& weight, const Tensor& bias,
                            const CrossEntropyOptions& options) {
  LinearClassLosses op{options.ignore_index, options.label_smoothing};
  const bool few_rows = on_tape(weight) && kFeaturesOfARow * x.dim(0) < x.dim(1);
  if (options.reduction == Reduction::none || few_rows || !x.has_data()) return op;
  op.wants_x = on_tape(x);
  op.wants_weight = on_tape(weight);
  op.wants_bias = on_tape(bias);
  return op;
}

}  // namespace

Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& bias,
                            const Tensor& targets, const CrossEntropyOptions& options) {
  check(x, weight, targets, options);
  if (options.weight.defined() && options.label_smoothing > 0) {
    return cross_entropy(linear(x, weight, bias), targets, options);
  }
  const Tensor rows = reshape(x, {targets.size(), x.dim(-1)});
  const Tensor classes = reshape(targets, {targets.size()});
  const Tensor biases = bias.defined() ? bias : zeros({weight.dim(0)}, weight.dtype());
  const Tensor counts = class_counts(classes, x.dtype(), options);
  std::array<Tensor, 5> result =
      apply(operation(rows, weight, biases, options), rows, weight, biases, classes, counts);
  switch (options.reduction) {
    case Reduction::mean:
      return mean_of_counted(result[0], counts);
    case Reduction::sum:
      return result[0];
    case Reduction::none:
      break;
  }
  Tensor losses = options.weight.defined() ? std::move(result[1]) * counts : std::move(result[1]);
  return reshape(losses, targets.shape());
}

}  // namespace rw::nn
