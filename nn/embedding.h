// A table of vectors, looked up by number.
#pragma once

#include "rewind/autograd/parameter.h"
#include "rewind/autograd/sequence.h"
#include "rewind/nn/members.h"
#include "rewind/tensor/random.h"

namespace [[gnu::visibility("default")]] rw {
namespace nn {

struct EmbeddingOptions {
  Index padding_index = -1;  // the word that means "nothing"; -1: there is none
  Dtype dtype = float32;
};

// tokens int64 [...], weight [words, features]; y[...] = weight[tokens[...]], [..., features]. The
// gradient of the table comes as the rows that were used (see Gradient::Term), so its cost does not
// grow with the number of words. The row `padding_index` (-1: none) is looked up like any other but
// receives no gradient. A token outside [0, words) throws IndexError.
Tensor embedding(const Tensor& tokens, const Tensor& weight, Index padding_index = -1);

// The table starts as N(0, 1), as in PyTorch; the padding row as zeros.
struct Embedding {
  Parameter weight;  // [words, features]
  Index padding_index;

  Embedding(Index words, Index features, Rng& rng, const EmbeddingOptions& options = {});

  Tensor operator()(const Tensor& tokens) const;

  // Throws what a call would for a token outside of the table, in sequences [time, batch, ...], or
  // [batch, time, ...], that are to be looked up step by step. Behind a row's length all may stand.
  void check(const Tensor& tokens, const Lengths& lengths, bool batch_first) const;

  static void members(auto& self, auto&& visit) { visit("weight", self.weight); }
};

}  // namespace nn
}  // namespace rw
