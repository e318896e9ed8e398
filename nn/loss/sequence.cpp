#include "rewind/nn/loss/sequence.h"

#include "rewind/tensor/comparison.h"
#include "rewind/tensor/convert.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/reduction.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/views.h"

namespace rw::nn {
namespace {

// A tensor [batch] as [batch, 1, ...], for results with the axes of `losses` but time.
Tensor per_row(const Tensor& x, const Tensor& losses) {
  Dims shape = x.shape();
  while (shape.rank() < losses.rank() - 1) shape.push_back(1);
  return reshape(x, shape);
}

}  // namespace

Tensor sequence_mask(Index time, const Lengths& lengths) {
  Index row = 0;
  for (const Index length : lengths) {
    require<IndexError>(length >= 0 && length <= time,
                        "sequence_mask: length {} of row {} lies outside [0, {}], the steps there "
                        "are",
                        length, row, time);
    row++;
  }
  const Tensor ends = from_span(lengths, {std::ssize(lengths)});
  return unsqueeze(arange(time), 1) < ends;
}

Tensor sum_over_time(const Tensor& losses, const Lengths& lengths) {
  require<ShapeError>(losses.rank() >= 2 && losses.dim(1) == std::ssize(lengths),
                      "sum_over_time: losses must be [time, batch, ...] with a length for each row "
                      "of the batch, got {} and {} lengths",
                      losses.spec(), lengths.size());
  const Tensor counts = sequence_mask(losses.dim(0), lengths);
  Dims shape = counts.shape();
  while (shape.rank() < losses.rank()) shape.push_back(1);
  return sum(masked_fill(losses, logical_not(reshape(counts, shape)), 0), 0);
}

Tensor mean_over_time(const Tensor& losses, const Lengths& lengths) {
  const Tensor sums = sum_over_time(losses, lengths);
  const Tensor counts = sum(sequence_mask(losses.dim(0), lengths), 0);
  const Tensor divisors = clamp(to(counts, losses.dtype()), {.min = 1});
  return sums / per_row(divisors, losses);
}

}  // namespace rw::nn
