#include "rewind/nn/init.h"

#include <cmath>
#include <vector>

#include "rewind/tensor/creation.h"

namespace rw::nn::init {
namespace {

struct Fans {
  Index rows, columns;  // of one block, seen as a matrix
  double in, out;
};

Fans fans_of(std::string_view op, const Parameter& weight, Index blocks) {
  const Dims& shape = weight.shape();
  require<ShapeError>(shape.rank() >= 2, "{}: a weight [out, in, ...] has two axes or more, got {}",
                      op, weight.spec());
  require<ShapeError>(blocks >= 1 && shape[0] % blocks == 0,
                      "{}: the {} rows of {} cannot be divided into {} blocks", op, shape[0],
                      weight.spec(), blocks);
  Index columns = 1, behind = 1;
  for (int axis = 1; axis < shape.rank(); axis++) columns *= shape[axis];
  for (int axis = 2; axis < shape.rank(); axis++) behind *= shape[axis];
  const Index rows = shape[0] / blocks;
  return {rows, columns, static_cast<double>(columns), static_cast<double>(rows * behind)};
}

// Writes numbers into a parameter, which keeps its dtype.
void fill(Parameter& parameter, std::span<const double> numbers) {
  dispatch_float("init", parameter.spec().dtype, [&](auto v) {
    using T = decltype(v);
    T* to = parameter.value().mutable_span<T>().data();
    for (double number : numbers) *to++ = static_cast<T>(number);
  });
}

void fill_uniform(Parameter& parameter, Rng& rng, double low, double high) {
  const Tensor x =
      rw::uniform(parameter.shape(), {.low = low, .high = high, .dtype = float64}, rng);
  fill(parameter, x.span<double>());
}

void fill_normal(Parameter& parameter, Rng& rng, double mean, double deviation) {
  const Tensor x =
      rw::normal(parameter.shape(), {.mean = mean, .deviation = deviation, .dtype = float64}, rng);
  fill(parameter, x.span<double>());
}

// Makes the rows of a [rows, columns] matrix of normal numbers orthonormal, rows <= columns. Gram
// and Schmidt's process, each projection taken twice, which is exact to rounding ("twice is
// enough": Giraud, Langou and Rozloznik, 2005). It is the QR factorization with a positive
// diagonal, so every orthogonal matrix is equally likely (Mezzadri, "How to generate random
// matrices from the classical compact groups", 2007).
void orthonormalize_rows(std::span<double> matrix, Index rows, Index columns) {
  const auto row = [&](Index i) {
    return matrix.subspan(static_cast<std::size_t>(i * columns), static_cast<std::size_t>(columns));
  };
  const auto dot = [](std::span<const double> a, std::span<const double> b) {
    double sum = 0;
    for (std::size_t k = 0; k < a.size(); k++) sum += a[k] * b[k];
    return sum;
  };
  for (Index i = 0; i < rows; i++) {
    const std::span<double> v = row(i);
    for (int pass = 0; pass < 2; pass++) {
      for (Index j = 0; j < i; j++) {
        const std::span<const double> u = row(j);
        const double along = dot(u, v);
        for (std::size_t k = 0; k < v.size(); k++) v[k] -= along * u[k];
      }
    }
    const double length = std::sqrt(dot(v, v));
    for (double& number : v) number /= length;
  }
}

}  // namespace

void constant(Parameter& parameter, double value) {
  parameter.value() = full(parameter.shape(), value, parameter.spec().dtype);
}

void uniform(Parameter& parameter, Rng& rng, UniformRange range) {
  fill_uniform(parameter, rng, range.low, range.high);
}

void normal(Parameter& parameter, Rng& rng, NormalShape shape) {
  fill_normal(parameter, rng, shape.mean, shape.deviation);
}

void xavier_uniform(Parameter& weight, Rng& rng, Scaling scaling) {
  const Fans fans = fans_of("xavier_uniform", weight, scaling.blocks);
  const double bound = scaling.gain * std::sqrt(6 / (fans.in + fans.out));
  fill_uniform(weight, rng, -bound, bound);
}

void xavier_normal(Parameter& weight, Rng& rng, Scaling scaling) {
  const Fans fans = fans_of("xavier_normal", weight, scaling.blocks);
  fill_normal(weight, rng, 0, scaling.gain * std::sqrt(2 / (fans.in + fans.out)));
}

void kaiming_uniform(Parameter& weight, Rng& rng, Scaling scaling) {
  const Fans fans = fans_of("kaiming_uniform", weight, scaling.blocks);
  const double bound = scaling.gain * std::sqrt(3 / fans.in);
  fill_uniform(weight, rng, -bound, bound);
}

void kaiming_normal(Parameter& weight, Rng& rng, Scaling scaling) {
  const Fans fans = fans_of("kaiming_normal", weight, scaling.blocks);
  fill_normal(weight, rng, 0, scaling.gain / std::sqrt(fans.in));
}

void orthogonal(Parameter& weight, Rng& rng, Scaling scaling) {
  const Fans fans = fans_of("orthogonal", weight, scaling.blocks);
  Tensor random = rw::normal(weight.shape(), {.dtype = float64}, rng);
  const std::span<double> all = random.mutable_span<double>();
  const auto block_size = static_cast<std::size_t>(fans.rows * fans.columns);
  const bool tall = fans.rows > fans.columns;
  const Index vectors = std::min(fans.rows, fans.columns);
  const Index size = std::max(fans.rows, fans.columns);
  for (Index b = 0; b < scaling.blocks; b++) {
    const std::span<double> block =
        all.subspan(static_cast<std::size_t>(b) * block_size, block_size);
    // Normal numbers have no order, so a tall block may be drawn as the rows of its transpose.
    std::vector<double> rows(block.begin(), block.end());
    orthonormalize_rows(rows, vectors, size);
    for (Index v = 0; v < vectors; v++) {
      for (Index k = 0; k < size; k++) {
        const Index to = tall ? k * vectors + v : v * size + k;
        block[static_cast<std::size_t>(to)] =
            scaling.gain * rows[static_cast<std::size_t>(v * size + k)];
      }
    }
  }
  fill(weight, all);
}

void forget_bias(Parameter& bias, double value, Block block) {
  const Index size = bias.value().size();
  require<ShapeError>(block.blocks >= 1 && size % block.blocks == 0,
                      "forget_bias: a bias {} cannot be divided into {} blocks", bias.spec(),
                      block.blocks);
  require<IndexError>(block.block >= 0 && block.block < block.blocks,
                      "forget_bias: block {} of {}; they count from 0", block.block, block.blocks);
  const auto part = static_cast<std::size_t>(size / block.blocks);
  dispatch_float("forget_bias", bias.spec().dtype, [&](auto v) {
    using T = decltype(v);
    const std::span<T> numbers = bias.value().mutable_span<T>();
    for (T& number : numbers.subspan(static_cast<std::size_t>(block.block) * part, part)) {
      number = static_cast<T>(value);
    }
  });
}

}  // namespace rw::nn::init
