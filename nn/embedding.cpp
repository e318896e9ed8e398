#include "rewind/nn/embedding.h"

#include "rewind/autograd/stop_gradient.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/indexing.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/views.h"

namespace rw::nn {
namespace {

// Of those at the positions that `counts` tells.
template <class F>
void check_tokens(const Tensor& tokens, Index words, F counts) {
  const Uninterpreted direct;  // who runs a step for its shapes gives none of these numbers
  const Tensor rows = contiguous(tokens);
  Index position = 0;
  for (const Index token : rows.span<Index>()) {
    require<IndexError>((token >= 0 && token < words) || !counts(position),
                        "embedding: token {} at position {} of tokens {}, but the table has {} "
                        "words, 0 to {}",
                        token, position, tokens.shape(), words, words - 1);
    position++;
  }
}

}  // namespace

Tensor embedding(const Tensor& tokens, const Tensor& weight, Index padding_index) {
  require<ShapeError>(weight.rank() == 2, "embedding: the table must be [words, features], got {}",
                      weight.spec());
  require<DtypeError>(tokens.dtype() == int64,
                      "embedding: tokens must be int64, got {}; convert them with to(x, int64)",
                      tokens.spec());
  if (tokens.has_data()) {
    check_tokens(tokens, weight.dim(0), [](Index) { return true; });
  }
  const Tensor y = take(weight, tokens);
  if (padding_index < 0) return y;
  return where(equal(unsqueeze(tokens, -1), padding_index), stop_gradient(y), y);
}

Embedding::Embedding(Index words, Index features, Rng& rng, const EmbeddingOptions& options)
    : padding_index(options.padding_index) {
  require<ShapeError>(words > 0 && features > 0,
                      "embedding: {} words of {} features; both must be positive", words, features);
  require<IndexError>(
      padding_index >= -1 && padding_index < words,
      "embedding: padding_index {} with {} words; it is one of them, or -1 for none", padding_index,
      words);
  Tensor table = normal({words, features}, {.dtype = options.dtype}, rng);
  if (padding_index >= 0) {
    const Tensor padded = equal(unsqueeze(arange(words), -1), padding_index);
    table = masked_fill(std::move(table), padded, 0);
  }
  weight = Parameter(std::move(table));
}

Tensor Embedding::operator()(const Tensor& tokens) const {
  return embedding(tokens, weight, padding_index);
}

void Embedding::check(const Tensor& tokens, const Lengths& lengths, bool batch_first) const {
  // What else may be wrong is told where the step and the sequence are checked.
  if (tokens.dtype() != int64 || tokens.rank() < 2 || !tokens.has_data()) return;
  const Index rows = tokens.dim(batch_first ? 0 : 1), steps = tokens.dim(batch_first ? 1 : 0);
  const bool all = std::ssize(lengths) != rows;
  check_tokens(tokens, weight.shape()[0], [&](Index position) {
    const Index place = position / (tokens.size() / (rows * steps));
    const Index row = batch_first ? place / steps : place % rows;
    const Index step = batch_first ? place % steps : place / rows;
    return all || step < lengths[static_cast<std::size_t>(row)];
  });
}

}  // namespace rw::nn
