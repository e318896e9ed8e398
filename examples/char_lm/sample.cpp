#include "sample.h"

#include <algorithm>
#include <optional>

#include "text.h"

namespace char_lm {
namespace {

// Loads the model that a file describes and calls f with it. The model is made of shapes alone, and
// gets numbers only if the weights in the file have these shapes: no memory is taken, and no time,
// because a description says so.
template <class F>
auto with_saved_model(const std::string& path, F&& f) {
  rw::TensorFile file = rw::load_tensors(path);
  const Config config = from_metadata(file.metadata, path);
  rw::require<rw::FileError>(config.layers <= static_cast<Index>(file.tensors.size()),
                             "'{}': damaged: {} layers are described, there are {} tensors", path,
                             config.layers, file.tensors.size());
  rw::Rng rng(0);
  std::optional<rw::ShapeTracer> shapes(std::in_place);
  return with_model(config, rng, [&](auto model) {
    shapes.reset();
    rw::assign_tensors(rw::slots_of(model), file.tensors, {}, path);
    return f(model, rw::CharVocabulary(config.symbols));
  });
}

Index draw(const Tensor& logits, double temperature) {
  constexpr double kCold = 1e-6;  // below it the likeliest character is as good as certain
  if (temperature < kCold) return static_cast<Index>(rw::argmax(logits, -1).item());
  // What is likeliest stands at 0, so that a low temperature cannot overflow.
  const Tensor relative = logits - rw::max(logits, -1, true);
  return static_cast<Index>(rw::categorical(relative / temperature).item());
}

// Encodes, or says which file has the character that the model does not know.
std::vector<Index> encode(const rw::CharVocabulary& vocabulary, const std::string& text,
                          const std::string& what) {
  const auto unknown =
      std::find_if_not(text.begin(), text.end(), [&](char c) { return vocabulary.knows(c); });
  rw::require(unknown == text.end(),
              "{}: byte {} is {:#04x}, a character that the model has never seen", what,
              unknown - text.begin(),
              unknown == text.end() ? 0 : int{static_cast<unsigned char>(*unknown)});
  return vocabulary.encode(text);
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
        const std::vector<Index> prompt = encode(vocabulary, begin, "--prompt");
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
  constexpr Index kColumn = 4096, kMostColumns = 64;
  const std::string text = read_measured_text(text_path);
  return with_saved_model(path, [&](const auto& model, const rw::CharVocabulary& vocabulary) {
    const std::vector<Index> ids = encode(vocabulary, text, "'" + text_path + "'");
    const auto size = static_cast<Index>(ids.size());
    const Index columns = std::clamp<Index>(size / kColumn, 1, kMostColumns);
    return bits_per_character(model, ids, columns, 256, [] { return false; }).value();
  });
}

}  // namespace char_lm
