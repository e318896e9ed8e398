#include "train.h"

#include <csignal>
#include <nlohmann/json.hpp>

#include "files.h"
#include "metrics.h"
#include "text.h"

namespace char_lm {
namespace {

using rw::require;

constexpr const char* kSettings = "char_lm.settings";
constexpr const char* kLoss = "char_lm.loss";  // of the last step, for the metrics

volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int signal) {
  interrupted = 1;
  // A second one ends the program at once; a terminal that closes may send its own twice.
  if (signal != SIGHUP) std::signal(signal, SIG_DFL);
}

void listen_to_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    // What nohup, or a shell that starts a job in the background, has turned off stays off.
    if (std::signal(signal, on_interrupt) == SIG_IGN) std::signal(signal, SIG_IGN);
  }
  std::signal(SIGPIPE, SIG_IGN);  // who reads the progress may leave
}

// The settings that a resumed run must have in common with the first one, to reach the same bits.
std::string settings(const TrainOptions& o, const std::string& text) {
  return nlohmann::json{{"batch", o.batch}, {"time", o.time}, {"learning_rate", o.learning_rate},
                        {"clip", o.clip},   {"seed", o.seed}, {"text", fingerprint(text)}}
      .dump();
}

template <class M>
class Run {
 public:
  Run(M model, const TrainOptions& options, const Parts& parts, std::string settings)
      : options_(options),
        settings_(std::move(settings)),
        metrics_(options.metrics, options.resume),
        valid_(parts.valid),
        windows_(parts.train, {.batch = options.batch, .time = options.time}),
        model_(std::move(model)),
        adam_(rw::nn::parameters(model_), {.learning_rate = options.learning_rate}) {}

  void resume() {
    rw::TrainingState saved = rw::load_checkpoint(options_.out, model_);
    const auto found = saved.metadata.find(kSettings);
    require<rw::FileError>(
        found != saved.metadata.end() && found->second == settings_,
        "'{}': was trained with other settings or on another text, {}; this run has {}",
        options_.out, found == saved.metadata.end() ? "unknown" : found->second, settings_);
    position_ = saved.position;
    require(position_.epoch < options_.epochs,
            "'{}': has learned for {} epochs already; --epochs {} is no more than that",
            options_.out, position_.epoch, options_.epochs);
    require<rw::FileError>(position_.batch <= windows_.size(),
                           "'{}': damaged: it stands at step {} of an epoch of {}", options_.out,
                           position_.batch, windows_.size());
    const auto loss = nlohmann::json::parse(saved.metadata[kLoss], nullptr, false);
    const bool whole = saved.optimizers.size() == 1 && loss.is_number() &&
                       (saved.carried.empty() || saved.carried.size() == carried().size());
    require<rw::FileError>(whole, "'{}': damaged: a part of the training state is missing",
                           options_.out);
    loss_ = loss.get<double>();
    adam_.load_state(saved.optimizers[0]);
    rw::Random::set_state(saved.random);
    if (saved.carried.empty()) return;
    state_ = model_.rnn.initial(options_.batch);
    std::size_t i = 0;
    rw::for_each_tensor(state_, [&](Tensor& x) { x = saved.carried.at(name_of_carried(i++)); });
  }

  // Whether it came to its own end, or that of its time.
  bool run() {
    const std::optional<double> before = evaluate([] { return interrupted != 0; });
    train();
    const bool complete = position_.epoch == options_.epochs;
    if (!complete) {
      save();
      rw::say(stderr, fmt::format("{} and saved; the same command with --resume goes on.\n",
                                  interrupted ? "Interrupted" : "Time is up: stopped"));
      bits_ = evaluate([] { return false; }).value();
    }
    rw::say(
        stdout,
        fmt::format(
            "Bits per character on text it has not seen: {:.2f} before, {:.2f} now. Saved {}\n",
            before.value_or(bits_), bits_, options_.out));  // interrupted there, it learned nothing
    metrics_.require_written();
    return complete || !interrupted;
  }

 private:
  static std::string name_of_carried(std::size_t i) { return fmt::format("state.{}", i); }
  Index done() const { return position_.epoch * windows_.size() + position_.batch; }
  template <class Stopped>
  std::optional<double> evaluate(Stopped stopped) const {
    return bits_per_character(model_, valid_, options_.batch, options_.time, stopped);
  }

  void train() {
    rw::Progress progress(stderr, done(), options_.epochs * windows_.size());
    const auto stopped = [&] {
      return interrupted || (options_.minutes > 0 && progress.elapsed() > 60 * options_.minutes);
    };
    while (position_.epoch < options_.epochs && !stopped()) {
      const double start = progress.elapsed();
      const Index first = position_.batch;
      while (position_.batch < windows_.size() && !stopped()) {
        step();
        progress.update(done(), status(speed(progress.elapsed() - start, first)));
      }
      if (position_.batch == windows_.size()) {
        finish_epoch(speed(progress.elapsed() - start, first), progress);
      }
    }
  }

  void step() {
    const rw::Window window = windows_[position_.batch];
    rw::Tape tape;
    const Tensor loss = rw::nn::cross_entropy(model_(window.tokens, state_), window.targets);
    adam_.step(tape.backward(loss), {.max_norm = options_.clip});
    loss_ = loss.item();
    position_.batch++;
  }

  double speed(double seconds, Index first) const {
    const Index steps = position_.batch - first;
    return steps == 0 ? 0 : static_cast<double>(steps * options_.batch * options_.time) / seconds;
  }

  std::string status(double chars_per_second) const {
    return fmt::format("epoch {}/{} step {}/{} loss {:.2f} {:.2f} bits/char {:.0f} chars/s",
                       position_.epoch + 1, options_.epochs, position_.batch, windows_.size(),
                       loss_, loss_ / std::log(2.0), chars_per_second);
  }

  void finish_epoch(double chars_per_second, rw::Progress& progress) {
    const std::optional<double> bits = evaluate([] { return interrupted != 0; });
    if (!bits) return;  // saved with its last step taken, and evaluated when it goes on
    bits_ = *bits;
    position_ = {position_.epoch + 1, 0};
    state_.clear();
    metrics_.add(line_of_metrics(chars_per_second));
    save();
    progress.clear();
    rw::say(stdout, fmt::format("Epoch {}: {:.4f} bits per character on text it has not seen, "
                                "{:.0f} characters a second\n",
                                position_.epoch, bits_, chars_per_second));
  }

  nlohmann::ordered_json line_of_metrics(double chars_per_second) const {
    const auto rounded = [](double v) { return std::round(v * 1e4) / 1e4; };
    std::string name = options_.config.cell;
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return {{"peer", "rewind"},
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
            {"valid_bits_per_char", rounded(bits_)},
            {"symbols", options_.config.symbols.size()}};
  }

  std::map<std::string, Tensor> carried() const {
    std::map<std::string, Tensor> tensors;
    const typename M::State& state = state_.empty() ? model_.rnn.initial(1) : state_;
    rw::for_each_tensor(
        state, [&](const Tensor& x) { tensors.emplace(name_of_carried(tensors.size()), x); });
    return tensors;
  }

  void save() const {
    const rw::Rng random = rw::Random::state();
    rw::TrainingState state{.optimizers = {adam_.state()},
                            .random = {random.seed(), random.draw()},
                            .position = position_,
                            .metadata = to_metadata(options_.config)};
    state.metadata[kSettings] = settings_;
    state.metadata[kLoss] = nlohmann::json(loss_).dump();
    if (!state_.empty()) state.carried = carried();
    rw::save_checkpoint(options_.out, model_, state);
  }

  const TrainOptions& options_;
  std::string settings_;
  Metrics metrics_;
  std::vector<Index> valid_;
  rw::Streams windows_;
  M model_;
  rw::optim::Adam adam_;
  typename M::State state_;
  rw::DataPosition position_;
  double loss_ = 0;  // of the last step
  double bits_ = 0;  // after the last epoch
};

}  // namespace

bool train(const TrainOptions& given) {
  TrainOptions options = given;
  const std::string text = read_training_text(options.text);
  const rw::CharVocabulary vocabulary(text);
  const Parts parts = split(vocabulary.encode(text), options.batch, options.time, options.text);
  check_files(options);
  options.config.symbols = vocabulary.symbols();
  if (options.resume) {
    require<rw::FileError>(
        to_metadata(read_config(options.out)) == to_metadata(options.config),
        "'{}': holds a model of other options or of a text with other characters", options.out);
  }
  std::optional<rw::Threads> limit;
  if (options.threads > 0) limit.emplace(static_cast<int>(options.threads));
  const auto seed = static_cast<std::uint64_t>(options.seed);
  const rw::Random random(seed);
  rw::Rng rng(seed, std::uint64_t{1} << 32);  // apart from dropout's
  listen_to_signals();
  return with_model(options.config, rng, [&](auto model) {
    Run run(std::move(model), options, parts, settings(options, text));
    if (options.resume) run.resume();
    return run.run();
  });
}

}  // namespace char_lm
