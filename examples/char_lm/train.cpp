#include "train.h"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "rewind/train/progress.h"

namespace char_lm {
namespace {

using rw::require;

volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int) {
  interrupted = 1;
  std::signal(SIGINT, SIG_DFL);  // a second one ends the program at once
}

// The text in its parts: 90 % to learn from, then 5 % to measure by. (The last 5 % are for whoever
// wants a text that no choice was made by.)
struct Parts {
  std::vector<Index> train, valid;
};

Parts split(const std::vector<Index>& ids) {
  const auto n = static_cast<std::ptrdiff_t>(ids.size());
  const auto at = [&](std::ptrdiff_t percent) { return ids.begin() + n * percent / 100; };
  return {{at(0), at(90)}, {at(90), at(95)}};
}

std::string read_training_text(const std::string& path) {
  std::string text = rw::read_text(path);
  require<rw::FileError>(!text.empty(), "{}: the text is empty", path);
  require<rw::FileError>(text.find_first_not_of(text[0]) != std::string::npos,
                         "{}: the text has one character only, '{}'; there is nothing to learn",
                         path, text.substr(0, 1));
  return text;
}

// Finds out what would fail at the end of the run, at its beginning.
void check_output(const std::string& path, bool resume) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::absolute(path).parent_path();
  require<rw::FileError>(fs::is_directory(folder) && access(folder.c_str(), W_OK) == 0,
                         "{}: cannot write into the folder {}", path, folder.string());
  if (!fs::exists(path)) {
    require<rw::FileError>(!resume, "{}: there is nothing to resume", path);
    return;
  }
  try {
    read_config(path);
  } catch (const rw::FileError& error) {
    if (resume) throw;
    throw rw::FileError(
        path + ": exists and is no char_lm model; it is not overwritten, give another --out");
  }
}

// The settings that a resumed run must have in common with the first one, to reach the same bits.
std::string settings(const TrainOptions& o, std::size_t bytes) {
  return nlohmann::json{{"batch", o.batch}, {"time", o.time}, {"learning_rate", o.learning_rate},
                        {"clip", o.clip},   {"seed", o.seed}, {"text_bytes", bytes}}
      .dump();
}

template <class M>
class Run {
 public:
  Run(M model, const TrainOptions& options, const rw::CharVocabulary& vocabulary,
      const Parts& parts, std::string settings)
      : options_(options),
        symbols_(vocabulary.size()),
        settings_(std::move(settings)),
        valid_(parts.valid),
        windows_(parts.train, {.batch = options.batch, .time = options.time}),
        model_(std::move(model)),
        adam_(rw::nn::parameters(model_), {.learning_rate = options.learning_rate}) {}

  void resume() {
    rw::TrainingState saved = rw::load_checkpoint(options_.out, model_);
    const auto found = saved.metadata.find("settings");
    require<rw::FileError>(
        found != saved.metadata.end() && found->second == settings_,
        "{}: was trained with other settings or another text, {}; this run has {}", options_.out,
        found == saved.metadata.end() ? "unknown" : found->second, settings_);
    adam_.load_state(saved.optimizers.at(0));
    rw::Random::set_state(rw::Rng(saved.random.seed, saved.random.draw));
    position_ = saved.position;
    if (saved.carried.empty()) return;
    state_ = model_.rnn.initial(options_.batch);
    std::size_t i = 0;
    rw::for_each_tensor(state_, [&](Tensor& x) { x = saved.carried.at(name_of_carried(i++)); });
  }

  void run() {
    require(position_.epoch < options_.epochs, "{}: all {} epochs are done; more with --epochs",
            options_.out, options_.epochs);
    const Index total = options_.epochs * windows_.size();
    rw::Progress progress(stderr, done(), total);
    while (position_.epoch < options_.epochs && !interrupted) {
      const double seconds = progress.elapsed();
      const Index first = position_.batch;
      while (position_.batch < windows_.size() && !interrupted) {
        step();
        progress.update(done(), status(progress, seconds, first));
      }
      if (position_.batch == windows_.size()) {
        finish_epoch(speed(progress.elapsed() - seconds, first));
      }
    }
    progress.finish(done(), fmt::format("loss {:.4f}", loss_));
    save();
    if (interrupted) {
      fmt::print(stderr, "Interrupted and saved; the same command with --resume goes on.\n");
    }
  }

 private:
  static std::string name_of_carried(std::size_t i) { return fmt::format("state.{}", i); }
  Index done() const { return position_.epoch * windows_.size() + position_.batch; }

  void step() {
    const rw::Window window = windows_[position_.batch];
    rw::Tape tape;
    const Tensor loss = rw::nn::cross_entropy(model_(window.tokens, state_), window.targets);
    rw::Gradients gradients = tape.backward(loss);
    rw::optim::clip_norm(gradients, options_.clip);
    adam_.step(gradients);
    loss_ = loss.item();
    position_.batch++;
  }

  double speed(double seconds, Index first) const {
    return static_cast<double>((position_.batch - first) * options_.batch * options_.time) /
           seconds;
  }

  std::string status(const rw::Progress& progress, double since, Index first) const {
    return fmt::format("epoch {}/{}  step {}/{}  loss {:.3f}  {:.2f} bits/char  {:.0f} chars/s",
                       position_.epoch + 1, options_.epochs, position_.batch, windows_.size(),
                       loss_, loss_ / std::log(2.0), speed(progress.elapsed() - since, first));
  }

  void finish_epoch(double chars_per_second) {
    const double bits = bits_per_character(model_, valid_, options_.batch, options_.time);
    position_ = {position_.epoch + 1, 0};
    state_.clear();
    report(chars_per_second, bits);
    if (position_.epoch < options_.epochs) save();
  }

  void report(double chars_per_second, double bits) const {
    const auto rounded = [](double v) { return std::round(v * 1e4) / 1e4; };
    std::string name = options_.config.cell;
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const nlohmann::ordered_json line = {{"peer", "rewind"},
                                         {"job", "char_lm"},
                                         {"cell", name},
                                         {"layers", options_.config.layers},
                                         {"hidden", options_.config.hidden},
                                         {"batch", options_.batch},
                                         {"time", options_.time},
                                         {"threads", rw::thread_count()},
                                         {"epoch", position_.epoch},
                                         {"chars_per_s", std::llround(chars_per_second)},
                                         {"last_loss", rounded(loss_)},
                                         {"valid_bits_per_char", rounded(bits)},
                                         {"symbols", symbols_}};
    fmt::print(
        "epoch {}: {:.4f} bits per character on text it has not seen, {:.0f} characters a second\n",
        position_.epoch, bits, chars_per_second);
    std::fflush(stdout);
    if (options_.metrics.empty()) return;
    std::ofstream file(options_.metrics, std::ios::app);
    file << line.dump() << '\n';
    require<rw::FileError>(file.good(), "{}: cannot write the metrics", options_.metrics);
  }

  void save() const {
    const rw::Rng random = rw::Random::state();
    rw::TrainingState state{.optimizers = {adam_.state()},
                            .random = {random.seed(), random.draw()},
                            .position = position_,
                            .metadata = to_metadata(options_.config)};
    state.metadata["settings"] = settings_;
    std::size_t i = 0;
    rw::for_each_tensor(state_, [&](const Tensor& x) { state.carried[name_of_carried(i++)] = x; });
    rw::save_checkpoint(options_.out, model_, state);
  }

  const TrainOptions& options_;
  Index symbols_;
  std::string settings_;
  std::vector<Index> valid_;
  rw::Streams windows_;
  M model_;
  rw::optim::Adam adam_;
  typename M::State state_;
  rw::DataPosition position_;
  double loss_ = 0;
};

}  // namespace

void train(const TrainOptions& given) {
  TrainOptions options = given;
  const std::string text = read_training_text(options.text);
  check_output(options.out, options.resume);
  const rw::CharVocabulary vocabulary(text);
  options.config.symbols = vocabulary.symbols();
  const std::string fixed = settings(options, text.size());
  if (options.resume) {
    const Config saved = read_config(options.out);
    require<rw::FileError>(to_metadata(saved) == to_metadata(options.config),
                           "{}: holds a model of other options or of a text with other characters",
                           options.out);
  }
  std::optional<rw::Threads> limit;
  if (options.threads > 0) limit.emplace(static_cast<int>(options.threads));
  const rw::Random random(static_cast<std::uint64_t>(options.seed));
  rw::Rng rng(static_cast<std::uint64_t>(options.seed),
              std::uint64_t{1} << 32);  // apart from dropout's
  std::signal(SIGINT, on_interrupt);
  with_model(options.config, rng, [&](auto model) {
    Run run(std::move(model), options, vocabulary, split(vocabulary.encode(text)), fixed);
    if (options.resume) run.resume();
    run.run();
  });
}

}  // namespace char_lm
