// A whole training job: one epoch of the character language model of examples/char_lm over a text,
// and what it learned. 90 % of the text are learned from, bits per character are those of the 5 %
// that follow.
//
// chars_per_s is over all updates, from the window of text to the changed weights; update_ms is of
// one. `fraction` counts the flops of the products alone.
#include <algorithm>
#include <cctype>
#include <numeric>

#include "examples/char_lm/model.h"
#include "examples/char_lm/text.h"
#include "support/cells.h"

namespace {

using namespace rw;
using namespace rw::bench;

constexpr Index kBatch = 50, kTime = 50, kQuickUpdates = 20;

struct Job {
  char_lm::Config config;
  char_lm::Parts parts;
};

Job read_job(const std::string& path) {
  const std::string text = char_lm::read_training_text(path);
  const CharVocabulary vocabulary(text);
  return {char_lm::Config{.symbols = vocabulary.symbols()},
          char_lm::split(vocabulary.encode(text), kBatch, kTime, path)};
}

// Of the recurrent layers and of the scores, forward and back. The embedding is looked up.
double flops_per_character(const std::string& cell, const char_lm::Config& c) {
  double weights = static_cast<double>(c.hidden) * static_cast<double>(c.symbols.size());
  for (Index layer = 0; layer < c.layers; layer++) {
    const Index input = layer == 0 ? c.embed : c.hidden;
    weights += gates(cell) * static_cast<double>(c.hidden * (input + c.hidden));
  }
  return 6 * weights;
}

// One epoch, or as many windows. The seconds of each update, and the loss of the last.
template <class M>
std::pair<std::vector<double>, double> train(M& model, const Streams& windows, Index updates) {
  optim::Adam adam(nn::parameters(model), {.learning_rate = 2e-3});
  typename M::State state;
  std::vector<double> seconds;
  double last_loss = 0;
  for (Index i = 0; i < updates; i++) {
    seconds.push_back(seconds_of([&] {
      const Window window = windows[i];
      Tape tape;
      const Tensor loss = nn::cross_entropy(model(window.tokens, state), window.targets);
      adam.step(tape.backward(loss), {.max_norm = 5.0});
      last_loss = loss.item();
    }));
  }
  return {std::move(seconds), last_loss};
}

void measure_cell(Run& run, const std::string& cell, const std::string& path, const Job& job) {
  char_lm::Config config = job.config;
  std::ranges::transform(cell, std::back_inserter(config.cell = {}),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const Streams windows(job.parts.train, {.batch = kBatch, .time = kTime});
  const Index updates =
      run.options().quick ? std::min(kQuickUpdates, windows.size()) : windows.size();
  Line line = run.line({{"job", "char_lm"},
                        {"text", path},
                        {"cell", cell},
                        {"layers", config.layers},
                        {"hidden", config.hidden},
                        {"embed", config.embed},
                        {"batch", kBatch},
                        {"time", kTime},
                        {"epoch", 1},
                        {"updates", updates}});
  Rng rng(0);
  char_lm::with_model(config, rng, [&](auto model) {
    const auto [seconds, last_loss] = train(model, windows, updates);
    const auto never = [] { return false; };
    const double bits =
        char_lm::bits_per_character(model, job.parts.valid, kBatch, kTime, never).value();
    const double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
    const auto characters = static_cast<double>(updates * kBatch * kTime);
    line["chars_per_s"] = std::llround(characters / total);
    run.put(line, "update_ms", summary(seconds), 1e3);
    run.put_number(line, "last_loss", last_loss);
    run.put_number(line, "valid_bits_per_char", bits);
    line["symbols"] = config.symbols.size();
    run.put_speed(line, "gflops", characters * flops_per_character(cell, config), total);
  });
  run.print(line);
}

void measure_cells(const Options& options, const std::string& path) {
  const Job job = read_job(path);
  Run run(options);
  for (const std::string& cell : options.cells) measure_cell(run, cell, path, job);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The training of a character language model", "char_lm");
  Options options;
  add_options(app, options, kBuiltInCells);
  std::string text;
  app.add_option("--text", text, "the text to learn from")->required()->take_last();
  return run_program(app, argc, argv, [&] { measure_cells(options, text); });
}
