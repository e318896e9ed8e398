#include "sample.h"

namespace char_lm {
namespace {

// Loads the model that a file describes and calls f with it.
template <class F>
auto with_saved_model(const std::string& path, F&& f) {
  rw::TensorFile file = rw::load_tensors(path);
  const Config config = from_metadata(file.metadata, path);
  rw::Rng rng(0);
  return with_model(config, rng, [&](auto model) {
    rw::assign_tensors(rw::slots_of(model), file.tensors, {}, path);
    return f(model, rw::CharVocabulary(config.symbols));
  });
}

Index draw(const Tensor& logits, double temperature) {
  if (temperature == 0) return static_cast<Index>(rw::argmax(logits, -1).item());
  return static_cast<Index>(rw::categorical(logits / temperature).item());
}

}  // namespace

std::string sample(const SampleOptions& options) {
  return with_saved_model(
      options.model, [&](const auto& model, const rw::CharVocabulary& vocabulary) {
        // Without a prompt it begins as after a line end, or after the first symbol if it knows
        // none.
        const std::string begin = !options.prompt.empty()  ? options.prompt
                                  : vocabulary.knows('\n') ? "\n"
                                                           : vocabulary.symbols().substr(0, 1);
        const std::vector<Index> prompt = vocabulary.encode(begin);
        using Model = std::remove_cvref_t<decltype(model)>;
        using State = typename Model::State;
        auto one_character = [&](const Tensor& token, const State& state) {
          auto [next, outputs] = model.rnn.step(model.embed(token), state);
          return std::pair(std::move(next), model.head(outputs));
        };
        auto writer = rw::stream(one_character, rw::zeros({1}, rw::int64), model.rnn.initial(1));

        const rw::Random random(static_cast<std::uint64_t>(options.seed));
        Tensor logits;
        for (Index id : prompt) logits = writer.step(rw::full({1}, id, rw::int64));
        std::vector<Index> written;
        for (Index i = 0; i < options.length; i++) {
          written.push_back(draw(logits, options.temperature));
          logits = writer.step(rw::full({1}, written.back(), rw::int64));
        }
        return options.prompt + vocabulary.decode(written);
      });
}

double evaluate(const std::string& path, const std::string& text_path) {
  const std::string text = rw::read_text(text_path);
  rw::require<rw::FileError>(text.size() >= 2, "{}: the text has {} characters; two are needed",
                             text_path, text.size());
  return with_saved_model(path, [&](const auto& model, const rw::CharVocabulary& vocabulary) {
    return bits_per_character(model, vocabulary.encode(text), 1, 256);
  });
}

}  // namespace char_lm
