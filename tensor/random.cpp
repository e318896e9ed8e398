#include "rewind/tensor/random.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "rewind/tensor/blocks.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/takes.h"

namespace rw {
namespace {

constexpr Index kWorthAWorker = 1 << 15;  // numbers: 20 us, where waking a worker takes 5

constinit thread_local Rng thread_rng{0, 0};

// Uniform in [0, 1), with all the bits of a double.
double unit(kernels::PhiloxStream stream, Index i) {
  return static_cast<double>(kernels::bits(stream, i) >> 11) * 0x1p-53;
}

bool finite(double value, Dtype dtype) {
  const double most = dispatch_float("random", dtype, [](auto v) {
    return static_cast<double>(std::numeric_limits<decltype(v)>::max());
  });
  return std::abs(value) <= most;
}

// The first class at which the sum of weights passes u times the whole. Weights are exp(logit -
// largest), so the largest is 1 and nothing overflows.
template <class T>
Index drawn_class(const T* logits, Index classes, Index row, double u) {
  double largest = -std::numeric_limits<double>::infinity();
  for (Index i = 0; i < classes; i++) {
    const auto logit = static_cast<double>(logits[i]);
    require(logit < std::numeric_limits<double>::infinity(),
            "categorical: logit {} of class {} in row {}; logits are finite or -inf", logit, i,
            row);
    largest = std::max(largest, logit);
  }
  require(std::isfinite(largest), "categorical: every logit of row {} is -inf", row);
  auto weight = [&](Index i) { return std::exp(static_cast<double>(logits[i]) - largest); };
  double whole = 0;
  for (Index i = 0; i < classes; i++) whole += weight(i);
  const double mark = u * whole;
  double sum = 0;
  Index last = 0;  // of those that may be drawn: rounding can leave the sum below the mark
  for (Index i = 0; i < classes; i++) {
    const double w = weight(i);
    if (w == 0) continue;
    last = i;
    sum += w;
    if (sum > mark) break;
  }
  return last;
}

}  // namespace

Rng& Random::rng() { return thread_rng; }

Spec Uniform::infer() const {
  const Spec y = takes_floats(name, {shape, dtype});
  require(finite(low, dtype) && finite(high, dtype) && low <= high && finite(high - low, dtype),
          "uniform: from {} to {} is not a range of finite length in {}", low, high, dtype);
  return y;
}

void Uniform::run(Tensor& y) const {
  dispatch_float(name, dtype, [&](auto v) {
    using T = decltype(v);
    T* const all = output_data<T>(y);
    const T least = static_cast<T>(low);
    const T range = static_cast<T>(high - low);
    // Rounding may reach `high`, which the range does not have.
    const T most = std::max(least, std::nextafter(static_cast<T>(high), least));
    parallel_for(y.size(), kWorthAWorker, [=, this](Index begin, Index end) {
      kernels::fill_uniform({seed, draw}, first + begin, all + begin, end - begin);
      if (low == 0 && high == 1) return;
      for (Index i = begin; i < end; i++) all[i] = std::min(least + range * all[i], most);
    });
  });
}

Spec Normal::infer() const {
  const Spec y = takes_floats(name, {shape, dtype});
  require(finite(mean, dtype) && finite(deviation, dtype) && deviation >= 0,
          "normal: mean {} and deviation {}; both are finite in {}, the deviation is not negative",
          mean, deviation, dtype);
  return y;
}

void Normal::run(Tensor& y) const {
  dispatch_float(name, dtype, [&](auto v) {
    using T = decltype(v);
    T* const all = output_data<T>(y);
    const T center = static_cast<T>(mean);
    const T scale = static_cast<T>(deviation);
    parallel_for(y.size(), kWorthAWorker, [=, this](Index begin, Index end) {
      kernels::fill_normal({seed, draw}, first + begin, all + begin, end - begin);
      if (mean == 0 && deviation == 1) return;
      for (Index i = begin; i < end; i++) all[i] = center + scale * all[i];
    });
  });
}

Spec Bernoulli::infer() const {
  require(p >= 0 && p <= 1, "bernoulli: p = {} is not a probability", p);
  return {shape, dtype};
}

void Bernoulli::run(Tensor& y) const {
  // A uniform number is a multiple of 2^-24, so it is below p if it is below p rounded up to one.
  const auto mark = static_cast<float>(std::ceil(p * 0x1p24) * 0x1p-24);
  dispatch_any(dtype, [&](auto v) {
    using T = decltype(v);
    T* const all = output_data<T>(y);
    parallel_for(y.size(), kWorthAWorker, [=, this](Index begin, Index end) {
      std::array<float, 1024> uniforms;
      for (Index i = begin; i < end; i += std::ssize(uniforms)) {
        const Index n = std::min(std::ssize(uniforms), end - i);
        kernels::fill_uniform({seed, draw}, first + i, uniforms.data(), n);
        std::transform(uniforms.data(), uniforms.data() + n, all + i,
                       [mark](float u) { return static_cast<T>(u < mark); });
      }
    });
  });
}

// Fisher and Yates: place i changes with one of the places up to it. The remainder favours small
// ones by less than n / 2^64.
void Permutation::run(Tensor& y) const {
  auto* to = output_data<Index>(y);
  std::iota(to, to + n, Index{0});
  for (Index i = n - 1; i > 0; i--) {
    const std::uint64_t choice =
        kernels::bits({seed, draw}, i) % (static_cast<std::uint64_t>(i) + 1);
    std::swap(to[i], to[choice]);
  }
}

Spec Categorical::infer(const Spec& logits) const {
  takes_floats(name, logits);
  require<ShapeError>(logits.rank() >= 1 && logits.shape.back() > 0,
                      "categorical: {} has no classes along its last axis", logits);
  return {logits.shape.without(logits.rank() - 1), int64};
}

void Categorical::run(const Tensor& logits, Tensor& y) const {
  const Tensor rows = row_major(logits);
  const Index classes = logits.shape().back();
  auto* to = output_data<Index>(y);
  dispatch_float(name, logits.dtype(), [&](auto v) {
    const auto* from = rows.data<decltype(v)>();
    for (Index row = 0; row < y.size(); row++) {
      to[row] = drawn_class(from + row * classes, classes, row, unit({seed, draw}, row));
    }
  });
}

Tensor uniform(const Dims& shape, const UniformOptions& o, Rng& rng) {
  const auto [seed, draw] = rng.next();
  return apply(Uniform{shape, o.dtype, o.low, o.high, seed, draw});
}

Tensor normal(const Dims& shape, const NormalOptions& o, Rng& rng) {
  const auto [seed, draw] = rng.next();
  return apply(Normal{shape, o.dtype, o.mean, o.deviation, seed, draw});
}

Tensor bernoulli(const Dims& shape, const BernoulliOptions& o, Rng& rng) {
  const auto [seed, draw] = rng.next();
  return apply(Bernoulli{shape, o.dtype, o.p, seed, draw});
}

Tensor permutation(Index n, Rng& rng) {
  require(n >= 0, "permutation: of {} numbers; a count is zero or more", n);
  const auto [seed, draw] = rng.next();
  return apply(Permutation{n, seed, draw});
}

Tensor categorical(const Tensor& logits, Rng& rng) {
  const auto [seed, draw] = rng.next();
  return apply(Categorical{seed, draw}, logits);
}

Tensor uniform(const Dims& shape, const UniformOptions& options) {
  return uniform(shape, options, Random::rng());
}
Tensor normal(const Dims& shape, const NormalOptions& options) {
  return normal(shape, options, Random::rng());
}
Tensor bernoulli(const Dims& shape, const BernoulliOptions& options) {
  return bernoulli(shape, options, Random::rng());
}
Tensor permutation(Index n) { return permutation(n, Random::rng()); }
Tensor categorical(const Tensor& logits) { return categorical(logits, Random::rng()); }

}  // namespace rw
