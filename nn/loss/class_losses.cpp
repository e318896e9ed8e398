#include "rewind/nn/loss/class_losses.h"

#include "rewind/nn/loss/class_options.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/blocks.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/kernels/cross_entropy.h"
#include "rewind/tensor/kernels/tables.h"
#include "rewind/tensor/rounding.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/views.h"

namespace rw::nn {
namespace {

// The rule of ClassLosses in one pass, for rewinds that nobody records: in place of the logits, or
// apart from those that somebody holds.
template <bool kInPlace>
struct ClassLossesBackward {
  Index ignored;
  double smoothing;
  static constexpr std::string_view name = "cross_entropy_backward";
  static constexpr bool updates = kInPlace, rowwise = true;
  Spec infer(const Spec& logits, const Spec&, const Spec&, const Spec&) const { return logits; }
  void run(const Tensor& logits, const Tensor& classes, const Tensor& dy, const Tensor& softmaxes,
           Tensor& dx) const {
    const Tensor x = row_major(logits), targets = row_major(classes), arrived = row_major(dy),
                 rows = row_major(softmaxes);
    const Index n = logits.dim(-1);
    dispatch_float(name, dx.dtype(), [&](auto v) {
      using T = decltype(v);
      const auto *from = x.data<T>(), *of = rows.data<T>(), *dys = arrived.data<T>();
      const auto* target = targets.data<Index>();
      T* const to = output_data<T>(dx);
      kernels::for_each_run(targets.size(), n, [=, this](Index row) {
        T* const y = to + row * n;
        if (target[row] == ignored) {
          std::fill_n(y, n, T{0});
          return;
        }
        kernels::cross_entropy_backward(from + row * n, {n, target[row], smoothing},
                                        {T{0}, of[2 * row], of[2 * row + 1]}, dys[row], y);
      });
    });
  }
};

}  // namespace

std::array<Spec, 2> ClassLosses::infer(const Spec& logits, const Spec& classes) const {
  require<DtypeError>(classes.dtype == int64,
                      "cross_entropy: targets must be int64 classes, or probabilities of the "
                      "logits' dtype, got {}",
                      classes);
  const Dims leading = logits.shape.without(logits.rank() - 1);
  require<ShapeError>(
      classes.shape == leading,
      "cross_entropy: logits {} want classes {} or probabilities {}, got targets {}", logits,
      leading, logits.shape, classes);
  return {logits.with_shape(leading), logits.with_shape(logits.shape.with(logits.rank() - 1, 2))};
}

void ClassLosses::run(const Tensor& logits, const Tensor& classes, std::span<Tensor, 2> out) const {
  const Tensor x = row_major(logits), targets = row_major(classes);
  check_classes(name, logits.spec(), targets, ignored);
  const Index n = logits.dim(-1);
  dispatch_float(name, logits.dtype(), [&](auto v) {
    using T = decltype(v);
    const T* const from = x.data<T>();
    const auto* target = targets.data<Index>();
    T* const losses = output_data<T>(out[0]);
    T* const softmaxes = output_data<T>(out[1]);
    kernels::for_each_run(targets.size(), n, [=, this](Index row) {
      kernels::RowLoss<T> of{};
      if (target[row] != ignored) {
        of = kernels::cross_entropy(from + row * n, {n, target[row], smoothing});
      }
      losses[row] = of.loss;
      softmaxes[2 * row] = of.greatest;
      softmaxes[2 * row + 1] = of.log_sum;
    });
  });
}

// dy (softmax(logits) - q), where a row that is ignored, or has no softmax, has probabilities of 0
// instead of NaN, as in the rule of softmax.
void ClassLosses::derivative(Rules<ClassLosses> d) {
  d(
      [](Dy<0> dy, const ClassLosses& op, Input<0> logits, Input<1> classes) {
        const Tensor unseen = equal(classes, op.ignored);
        const Tensor counts = unsqueeze(masked_fill(dy, unseen, 0), -1);
        const Tensor p = softmax(logits, -1);
        const double share = op.smoothing / static_cast<double>(logits.dim(-1));
        return scatter_add(counts * (masked_fill(p, isnan(p), 0) - share), -1,
                           unsqueeze(masked_fill(classes, unseen, 0), -1),
                           (op.smoothing - 1) * counts);
      },
      stop)
      .unrecorded([](Dy<0> dy, const ClassLosses& op, Input<0> logits, Input<1> classes,
                     OutputAt<1> softmaxes) {
        if (!logits.unique()) {
          return apply(ClassLossesBackward<false>{op.ignored, op.smoothing}, logits, classes, dy,
                       softmaxes);
        }
        return apply(ClassLossesBackward<true>{op.ignored, op.smoothing}, Tensor(std::move(logits)),
                     classes, dy, softmaxes);
      });
}

}  // namespace rw::nn
