// The model: characters to vectors, a stack of recurrent layers, and a score for each character.
#pragma once

#include <cmath>
#include <map>
#include <optional>
#include <string>

#include "rewind/rewind.h"

namespace char_lm {

using rw::Index;
using rw::Tensor;

// What a model file says of itself, beside its weights.
struct Config {
  std::string cell = "lstm";  // lstm, gru or rnn
  Index layers = 2;
  Index hidden = 128;
  Index embed = 64;
  double dropout = 0;
  std::string symbols;  // every character of the training text, sorted
};

std::map<std::string, std::string> to_metadata(const Config& config);
// Throws FileError, naming the file, when the metadata is not that of a char_lm model.
Config from_metadata(const std::map<std::string, std::string>& metadata, const std::string& path);
// What a file that is there says of itself.
Config read_config(const std::string& path);

template <rw::nn::Cell C>
struct Model {
  rw::nn::Embedding embed;
  rw::nn::Recurrent<C> rnn;
  rw::nn::Linear head;

  using State = typename rw::nn::Recurrent<C>::State;

  Model(const Config& config, rw::Rng& rng)
      : embed(symbols(config), config.embed, rng),
        rnn({.input = config.embed,
             .hidden = config.hidden,
             .layers = config.layers,
             .dropout = config.dropout},
            rng),
        head(config.hidden, symbols(config), rng) {}

  // Tokens [time, batch] to logits [time, batch, symbols]. `state` goes in and comes out; empty is
  // the beginning of a text.
  Tensor operator()(const Tensor& tokens, State& state) const {
    auto result = rnn(tokens, {.initial = state}, embed);
    state = std::move(result.final);
    return head(rw::nn::dropout(result.outputs, rnn.options().dropout));
  }

  static void members(auto& self, auto&& visit) {
    visit("embed", self.embed);
    visit("rnn", self.rnn);
    visit("head", self.head);
  }

 private:
  static Index symbols(const Config& config) { return static_cast<Index>(config.symbols.size()); }
};

// Calls f with a fresh model of the kind that the configuration names.
template <class F>
auto with_model(const Config& config, rw::Rng& rng, F&& f) {
  if (config.cell == "gru") return f(Model<rw::nn::GRUCell>(config, rng));
  if (config.cell == "rnn") return f(Model<rw::nn::ElmanCell>(config, rng));
  return f(Model<rw::nn::LSTMCell>(config, rng));
}

// Bits per character over a text, read as `batch` columns side by side with the state carried on.
// Nothing when `stopped` says so after one of the windows of `time` steps.
template <class M, class Stopped>
std::optional<double> bits_per_character(const M& model, const std::vector<Index>& ids, Index batch,
                                         Index time, Stopped stopped) {
  const rw::Streams windows(ids, {.batch = batch, .time = time, .tail = true});
  typename M::State state;
  double nats = 0;
  for (Index i = 0; i < windows.size(); i++) {
    const rw::Window window = windows[i];
    const Tensor loss = rw::nn::cross_entropy(model(window.tokens, state), window.targets,
                                              {.reduction = rw::nn::Reduction::sum});
    nats += loss.item();
    if (stopped()) return {};
  }
  return nats / static_cast<double>(windows.tokens()) / std::log(2.0);
}

}  // namespace char_lm
