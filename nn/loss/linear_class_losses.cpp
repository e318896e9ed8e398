// With q[c] = smoothing / classes, and 1 - smoothing more for the class, a row's loss has by its
// logits z the gradient d = softmax(z) - q. The gradients that the operation gives are, with f the
// factors as a column, (f d) w, (f d)^T x and the sum of the rows of f d.
#include "rewind/nn/loss/linear_class_losses.h"

#include "rewind/nn/linear.h"
#include "rewind/nn/loss/class_options.h"
#include "rewind/nn/loss/linear_class_blocks.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/blocks.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/matmul.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/rounding.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/softmax.h"
#include "rewind/tensor/views.h"

namespace rw::nn {
namespace {

void add(Tensor& sum, Tensor term) {
  sum = sum.defined() ? std::move(sum) + std::move(term) : std::move(term);
}

struct Arguments {
  Tensor x, weight, bias, targets, factors;
};

// What arrives at the gradients that the operation gave; undefined where nothing does.
struct AtGradients {
  Tensor x, weight, bias;
  bool any() const { return x.defined() || weight.defined() || bias.defined(); }
};

// Adds to `into`, in the order of the arguments, the gradients of
// <at.x, (f d) w> + <at.weight, (f d)^T x> + <at.bias, sum of rows of f d>, that is <f d, a> with
// a = at.x w^T + x at.weight^T + at.bias.
void add_second_derivatives(const LinearClassLosses& op, const Arguments& given,
                            const AtGradients& at, std::array<Tensor, 5>& into) {
  const Tensor unseen = equal(given.targets, op.ignored), unseen_rows = unsqueeze(unseen, -1);
  const Tensor x = masked_fill(given.x, unseen_rows, 0);
  const Tensor f = unsqueeze(masked_fill(given.factors, unseen, 0), -1);
  const Tensor classes = unsqueeze(masked_fill(given.targets, unseen, 0), -1);
  const Tensor softmaxes = softmax(linear(x, given.weight, given.bias), -1);
  // A row without a softmax counts as one of probabilities of 0, as in ClassLosses.
  const Tensor p = masked_fill(softmaxes, isnan(softmaxes), 0);
  const double share = op.smoothing / static_cast<double>(p.dim(-1));
  const Tensor d =
      scatter_add(p - share, -1, classes, full(classes.shape(), op.smoothing - 1, x.dtype()));
  Tensor a;
  if (at.x.defined()) add(a, matmul(masked_fill(at.x, unseen_rows, 0), transpose(given.weight)));
  if (at.weight.defined()) add(a, matmul(x, transpose(at.weight)));
  if (at.bias.defined()) a = a.defined() ? std::move(a) + at.bias : expand(at.bias, p.shape());
  const Tensor by_logits = f * p * (a - sum(p * a, -1, true));
  add(into[0], matmul(by_logits, given.weight));
  add(into[1], matmul(transpose(by_logits), x));
  add(into[2], sum(by_logits, 0));
  add(into[4], masked_fill(sum(d * a, -1), unseen, 0));
  const Tensor g = f * d;
  if (at.weight.defined()) add(into[0], matmul(g, at.weight));
  if (at.x.defined()) add(into[1], matmul(transpose(g), at.x));
}

}  // namespace

std::array<Spec, 5> LinearClassLosses::infer(const Spec& x, const Spec& weight, const Spec& bias,
                                             const Spec&, const Spec&) const {
  require<DtypeError>(is_float(x.dtype) && weight.dtype == x.dtype && bias.dtype == x.dtype,
                      "linear_cross_entropy: x {}, weight {} and bias {} must have one dtype, "
                      "float32 or float64; convert x with to(x, {}), or the model with nn::to",
                      x, weight, bias, weight.dtype);
  require<ShapeError>(bias.shape == Dims{weight.dim(0)},
                      "linear_cross_entropy: the weight {} wants a bias [{}], got {}", weight,
                      weight.dim(0), bias);
  const Spec per_row = x.with_shape({x.dim(0)});
  const auto if_wanted = [&](bool wanted, const Spec& spec) {
    return wanted ? spec : spec.with_shape({0});
  };
  return {x.with_shape({}), per_row, if_wanted(wants_x, x), if_wanted(wants_weight, weight),
          if_wanted(wants_bias, bias)};
}

void LinearClassLosses::run(const Tensor& x, const Tensor& weight, const Tensor& bias,
                            const Tensor& targets, const Tensor& factors,
                            std::span<Tensor, 5> out) const {
  const Tensor rows = row_major(x), biases = row_major(bias), classes = row_major(targets),
               scales = row_major(factors);
  check_classes(name, x.spec().with_shape({x.dim(0), weight.dim(0)}), classes, ignored);
  dispatch_float(name, x.dtype(), [&](auto v) {
    using T = decltype(v);
    const Strides steps = weight.strides();
    T* const losses = output_data<T>(out[1]);
    run_in_blocks(LinearClasses<T>{.rows = x.dim(0),
                                   .features = x.dim(1),
                                   .classes = weight.dim(0),
                                   .x = rows.data<T>(),
                                   .weight = weight.data<T>(),
                                   .class_step = steps[0],
                                   .feature_step = steps[1],
                                   .bias = biases.data<T>(),
                                   .targets = classes.data<Index>(),
                                   .factors = scales.data<T>(),
                                   .ignored = ignored,
                                   .smoothing = smoothing},
                  LinearClassResults<T>{.losses = losses,
                                        .x = wants_x ? output_data<T>(out[2]) : nullptr,
                                        .weight = wants_weight ? output_data<T>(out[3]) : nullptr,
                                        .bias = wants_bias ? output_data<T>(out[4]) : nullptr});
    double total = 0;
    for (Index i = 0; i < x.dim(0); i++) {
      if (classes.data<Index>()[i] == ignored) continue;
      total += static_cast<double>(scales.data<T>()[i]) * static_cast<double>(losses[i]);
    }
    *output_data<T>(out[0]) = static_cast<T>(total);
  });
}

void LinearClassLosses::derivative(Rules<LinearClassLosses> d) {
  d([](Dy<0> at_sum, Dy<1> at_losses, Dy<2> at_x, Dy<3> at_weight, Dy<4> at_bias,
       const LinearClassLosses& op, Input<0> x, Input<1> weight, Input<2> bias, Input<3> targets,
       Input<4> factors, OutputAt<1> losses, OutputAt<2> dx, OutputAt<3> dweight, OutputAt<4> dbias,
       Sink sink) {
    std::array<Tensor, 5> result;
    const std::array<bool, 3> wanted{sink.wanted(0), sink.wanted(1), sink.wanted(2)};
    const bool at_hand = (op.wants_x || !wanted[0]) && (op.wants_weight || !wanted[1]) &&
                         (op.wants_bias || !wanted[2]);
    if (at_sum.defined() && sink.wanted(4)) result[4] = losses * at_sum;
    if (at_sum.defined() && at_hand) {
      if (wanted[0]) result[0] = Tensor(std::move(dx)) * at_sum;
      if (wanted[1]) result[1] = Tensor(std::move(dweight)) * at_sum;
      if (wanted[2]) result[2] = Tensor(std::move(dbias)) * at_sum;
    }
    Tensor by_rows;  // what arrives at the losses of rows whose gradients are not at hand
    if (at_sum.defined() && !at_hand) by_rows = factors * at_sum;
    if (at_losses.defined()) add(by_rows, at_losses);
    if (by_rows.defined() && (wanted[0] || wanted[1] || wanted[2])) {
      std::array<Tensor, 5> again =
          apply(LinearClassLosses{op.ignored, op.smoothing, wanted[0], wanted[1], wanted[2]}, x,
                weight, bias, targets, by_rows);
      for (std::size_t i = 0; i < 3; i++) {
        if (wanted[i]) add(result[i], std::move(again[i + 2]));
      }
    }
    const AtGradients at{at_x, at_weight, at_bias};
    if (at.any()) {
      add_second_derivatives(op, {x, weight, bias, targets, factors}, at, result);
    }
    for (int i = 0; i < 5; i++) {
      Tensor& gradient = result[static_cast<std::size_t>(i)];
      if (gradient.defined()) sink.set(i, std::move(gradient));
    }
  });
}

}  // namespace rw::nn
