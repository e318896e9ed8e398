#include "rewind/optim/clip.h"

#include <algorithm>
#include <cmath>

#include "rewind/optim/gradient_sum.h"
#include "rewind/optim/kernels/passes.h"
#include "rewind/optim/norm.h"
#include "rewind/tensor/parallel.h"

namespace rw::optim {
namespace {

struct Measured {
  double norm;
  std::vector<GradientSum> sums;  // one per entry; of watched tensors, empty
};

// Those that make the norm of all infinite or NaN. Where each is finite and only all together are
// not, the large ones.
std::string to_blame(const Gradients& gradients, const std::vector<double>& norms) {
  const bool together = std::ranges::all_of(norms, [](double n) { return std::isfinite(n); });
  const double bound = together ? std::ranges::max(norms) / 2 : HUGE_VAL;
  std::vector<const Variable*> guilty;
  auto norm = norms.begin();
  for (const auto& [of, gradient] : gradients.entries()) {
    if (of.is_parameter() && !(*norm++ < bound)) guilty.push_back(&of);
  }
  return list_of(guilty);
}

Measured measure(std::string_view op, const Gradients& gradients, const ClipOptions& options) {
  Measured result;
  std::vector<double> norms;
  for (const auto& [of, gradient] : gradients.entries()) {
    result.sums.emplace_back();
    if (!of.is_parameter()) continue;
    result.sums.back() = sum_terms(op, of, gradient);
    norms.push_back(norm(result.sums.back().values));
  }
  require<GradientError>(gradients.entries().empty() || !norms.empty(),
                         "{}: none of the {} gradients is of a parameter; watched tensors are not "
                         "clipped",
                         op, gradients.entries().size());
  result.norm = norm(norms);
  if (std::isfinite(result.norm) || options.skip_non_finite) return result;
  throw GradientError(fmt::format(
      "{}: the norm is {}, from {}; lower the learning rate, or pass .skip_non_finite here and to "
      "the optimizer",
      op, result.norm, to_blame(gradients, norms)));
}

constexpr Index kGrain = 1 << 15;  // less is not worth waking a thread

void scale(Tensor& values, double factor) {
  values.set_mark(0);
  dispatch_float("clip_norm", values.dtype(), [&](auto v) {
    // In double: beside a norm of 1e40 the factor is no float32.
    const auto all = values.mutable_span<decltype(v)>();
    parallel_for(std::ssize(all), kGrain, [&](Index begin, Index end) {
      kernels::scale(all.data() + begin, end - begin, factor);
    });
  });
}

void clamp(Tensor& values, double limit) {
  dispatch_float("clip_value", values.dtype(), [&](auto v) {
    using T = decltype(v);
    const T most = static_cast<T>(limit);
    for (T& x : values.mutable_span<T>()) x = std::clamp(x, -most, most);
  });
}

// The sum as a gradient of one term.
Gradient as_gradient(const Spec& spec, GradientSum sum) {
  if (!sum.sparse) return {spec, {{std::move(sum.values), {}}}};
  Tensor rows = Tensor::uninitialized({{std::ssize(sum.rows)}, int64});
  std::ranges::copy(sum.rows, rows.mutable_span<Index>().begin());
  const Dims shape = spec.shape.with(0, rows.size());
  return {spec, {{sum.values.view(shape, contiguous_strides(shape), 0), std::move(rows)}}};
}

}  // namespace

double clip_norm(Gradients& gradients, double max_norm, const ClipOptions& options) {
  require(max_norm >= 0, "clip_norm: the limit is {}; it must be zero or more", max_norm);
  const double norm = measure("clip_norm", gradients, options).norm;
  if (!std::isfinite(norm) || norm <= max_norm) return norm;
  for (auto& [of, gradient] : gradients.entries()) {
    if (!of.is_parameter()) continue;
    for (Gradient::Term& term : gradient.terms) scale(term.values, max_norm / norm);
  }
  return norm;
}

double clip_value(Gradients& gradients, double max_value, const ClipOptions& options) {
  require(max_value >= 0, "clip_value: the limit is {}; it must be zero or more", max_value);
  Measured measured = measure("clip_value", gradients, options);
  if (!std::isfinite(measured.norm)) return measured.norm;
  for (std::size_t i = 0; i < measured.sums.size(); i++) {
    auto& [of, gradient] = gradients.entries()[i];
    if (!of.is_parameter()) continue;
    gradient.terms.clear();  // its numbers are those of the sum, which may then be written in place
    clamp(measured.sums[i].values, max_value);
    gradient = as_gradient(of.spec(), std::move(measured.sums[i]));
  }
  return measured.norm;
}

}  // namespace rw::optim
