// Padding, and the plan of batches that keeps it small.
#include "rewind/data/sequences.h"

#include <algorithm>
#include <numeric>

#include "rewind/data/shuffle.h"
#include "rewind/tensor/joining.h"
#include "rewind/tensor/op.h"

namespace rw {

namespace {

Index longest(const std::vector<Index>& lengths) {
  return lengths.empty() ? 0 : std::ranges::max(lengths);
}

// Where the batch that begins at `first` ends.
std::size_t batch_end(const std::vector<Index>& order, std::size_t first, std::size_t stop,
                      std::span<const Index> lengths, const BatchOptions& options) {
  Index time = 0;
  std::size_t end = first;
  for (; end < stop; ++end) {
    const auto rows = static_cast<Index>(end - first) + 1;
    time = std::max(time, lengths[static_cast<std::size_t>(order[end])]);
    const bool too_many =
        rows > options.batch || (options.tokens != 0 && time * rows > options.tokens);
    if (too_many && rows > 1) break;
  }
  return end;
}

}  // namespace

Padded pad_sequences(IdSequences sequences, Index fill) {
  std::vector<Index> all(sequences.size());
  std::iota(all.begin(), all.end(), 0);
  return pad_sequences(sequences, all, fill);
}

Padded pad_sequences(IdSequences sequences, std::span<const Index> rows, Index fill) {
  const auto batch = static_cast<Index>(rows.size());
  Padded padded;
  for (const Index row : rows) {
    require<IndexError>(row >= 0 && row < static_cast<Index>(sequences.size()),
                        "pad_sequences: row {} is outside [0, {})", row, sequences.size());
    padded.lengths.push_back(static_cast<Index>(sequences[static_cast<std::size_t>(row)].size()));
  }
  padded.values = Tensor::uninitialized({{longest(padded.lengths), batch}, int64});
  auto* out = output_data<Index>(padded.values);
  std::fill_n(out, padded.values.size(), fill);
  for (std::size_t column = 0; column < rows.size(); ++column) {
    Index* to = out + column;
    for (const Index id : sequences[static_cast<std::size_t>(rows[column])]) {
      *to = id;
      to += batch;
    }
  }
  return padded;
}

Padded pad_sequences(std::span<const Tensor> sequences, double fill) {
  require<ShapeError>(!sequences.empty(), "pad_sequences: no sequences; their shape is not known");
  const Spec& first = sequences[0].spec();
  Padded padded;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const Spec& spec = sequences[i].spec();
    require<DtypeError>(spec.dtype == first.dtype, "pad_sequences: sequence {} is {}, the first {}",
                        i, spec.dtype, first.dtype);
    require<ShapeError>(spec.rank() > 0 && spec.rank() == first.rank() &&
                            spec.shape.without(0) == first.shape.without(0),
                        "pad_sequences: sequence {} is {}, the first {}; sizes after the first "
                        "axis, which is time, must agree",
                        i, spec.shape, first.shape);
    padded.lengths.push_back(spec.dim(0));
  }
  const Index time = longest(padded.lengths);
  std::vector<Border> borders(static_cast<std::size_t>(first.rank()));
  std::vector<Tensor> columns;
  for (const Tensor& sequence : sequences) {
    borders[0].after = time - sequence.dim(0);
    columns.push_back(pad(sequence, borders, fill));
  }
  padded.values = stack(columns, 1);
  return padded;
}

std::vector<std::vector<Index>> plan_batches(std::span<const Index> lengths,
                                             const BatchOptions& options, Index epoch) {
  require(options.batch > 0 && options.window > 0 && options.tokens >= 0,
          "plan_batches: batch {} and window {} must be positive, tokens {} not negative",
          options.batch, options.window, options.tokens);
  const auto count = static_cast<Index>(lengths.size());
  std::vector<Index> order(lengths.size());
  std::iota(order.begin(), order.end(), 0);
  if (options.shuffle) order = shuffled(count, options.seed, 2 * epoch);

  std::vector<std::vector<Index>> batches;
  const std::size_t stretch = static_cast<std::size_t>(
      options.window > count / options.batch ? count : options.window * options.batch);
  for (std::size_t start = 0; start < order.size(); start += stretch) {
    const std::size_t stop = std::min(start + stretch, order.size());
    const auto at = [&](std::size_t i) { return order.begin() + static_cast<std::ptrdiff_t>(i); };
    if (options.shuffle && options.window > 1) {
      std::stable_sort(at(start), at(stop), [&](Index a, Index b) {
        return lengths[static_cast<std::size_t>(a)] < lengths[static_cast<std::size_t>(b)];
      });
    }
    for (std::size_t first = start; first < stop;) {
      const std::size_t end = batch_end(order, first, stop, lengths, options);
      batches.emplace_back(at(first), at(end));
      first = end;
    }
  }
  if (!options.shuffle) return batches;
  std::vector<std::vector<Index>> mixed;
  for (const Index i : shuffled(static_cast<Index>(batches.size()), options.seed, 2 * epoch + 1)) {
    mixed.push_back(std::move(batches[static_cast<std::size_t>(i)]));
  }
  return mixed;
}

}  // namespace rw
