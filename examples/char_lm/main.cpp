// char_lm: trains a character language model on a text file, lets it write, and measures texts by
// it.
//
//   char_lm train --text FILE [--cell lstm|gru|rnn] [--out model.safetensors] ...
//   char_lm sample --model model.safetensors [--prompt TEXT] [--temperature 0.8] ...
//   char_lm eval --model model.safetensors --text FILE
//
// Exit status 0; 2 with one line on stderr when anything is wrong; 130 when SIGINT, SIGTERM or
// SIGHUP ended the training, which is saved then. A training comes to its end, and saves its model,
// whether or not its reports can be written; lost on stdout they are status 2, on stderr nothing.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <new>
#include <sstream>

#include "output.h"
#include "sample.h"
#include "train.h"

namespace {

using char_lm::Index;

constexpr int kBadUse = 2;
constexpr int kInterrupted = 130;  // what shells say of a program that Ctrl-C ended
constexpr Index kMany = 1'000'000;
constexpr Index kWidest = 65'536;

void size(CLI::App* app, const std::string& name, Index& value, Index most,
          const std::string& text) {
  app->add_option(name, value, text)->check(CLI::Range(Index{1}, most));
}

void number(CLI::App* app, const std::string& name, double& value, double least, double most,
            const std::string& text) {
  // Not CLI::Range, which writes 1e-9 as 0.000000 and takes nan.
  const auto in_range = [=](const std::string& given) -> std::string {
    double number = 0;
    if (!CLI::detail::lexical_cast(given, number)) return given + " is no number";
    if (number >= least && number <= most) return {};
    return fmt::format("{} is not in the range {} to {}", given, least, most);
  };
  app->add_option(name, value, text)
      ->check(CLI::Validator(in_range, fmt::format("in [{} - {}]", least, most)));
}

CLI::Option* file(CLI::App* app, const std::string& name, std::string& value,
                  const std::string& text) {
  const auto is_named = [](const std::string& given) {
    return given.empty() ? std::string("the name is empty; name a file") : std::string();
  };
  return app->add_option(name, value, text)->check(is_named);
}

CLI::App* add_train(CLI::App& app, char_lm::TrainOptions& o) {
  CLI::App* train = app.add_subcommand("train", "Learn from a text file");
  file(train, "--text", o.text, "the text to learn from")->required();
  train->add_option("--cell", o.config.cell, "lstm, gru or rnn")
      ->check(CLI::IsMember({"lstm", "gru", "rnn"}));
  size(train, "--layers", o.config.layers, 1000, "recurrent layers");
  size(train, "--hidden", o.config.hidden, kWidest, "units per layer");
  size(train, "--embed", o.config.embed, kWidest, "features of a character");
  size(train, "--batch", o.batch, kWidest, "streams read side by side");
  size(train, "--time", o.time, kWidest, "steps from update to update");
  size(train, "--epochs", o.epochs, kMany, "passes over the text");
  number(train, "--minutes", o.minutes, 0.0, 1e6, "save and stop after so many; 0: no limit");
  number(train, "--learning-rate", o.learning_rate, 1e-9, 1e3, "Adam's step");
  number(train, "--dropout", o.config.dropout, 0.0, 1.0, "on the outputs of each layer");
  number(train, "--clip", o.clip, 1e-9, 1e9, "largest norm of the gradients");
  train->add_option("--seed", o.seed, "of weights and dropout")->check(CLI::Range(Index{0}, kMany));
  train->add_option("--threads", o.threads, "0: as many as the machine offers")
      ->check(CLI::Range(Index{0}, Index{1024}));
  file(train, "--out", o.out, "the model file: a new one, or what --resume reads");
  train->add_option("--metrics", o.metrics, "append a JSON line per epoch to this file");
  train->add_flag("--resume", o.resume, "go on where --out stands");
  return train;
}

CLI::App* add_sample(CLI::App& app, char_lm::SampleOptions& o) {
  CLI::App* sample = app.add_subcommand("sample", "Let a model write");
  file(sample, "--model", o.model, "the model file")->required();
  sample->add_option("--prompt", o.prompt, "how the text begins");
  sample->add_option("--length", o.length, "characters to write")
      ->check(CLI::Range(Index{0}, kMany));
  number(sample, "--temperature", o.temperature, 0.0, 100.0,
         "0: always the likeliest; 1: as it learned");
  sample->add_option("--seed", o.seed, "of the draws")->check(CLI::Range(Index{0}, kMany));
  return sample;
}

// What CLI11 says of words that nobody expects names all of them and no way out.
void refuse_unknown_words(const CLI::App& app) {
  const std::vector<std::string> unknown = app.remaining(true);
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  if (chosen.empty()) {
    const std::string word = unknown.empty() ? "" : fmt::format("'{}' is none; ", unknown[0]);
    throw rw::Error(
        fmt::format("{}a subcommand is required: train, sample or eval; --help says more", word));
  }
  rw::require(unknown.empty(), "'{}' is no option of {}; char_lm {} --help lists them",
              unknown.empty() ? "" : unknown[0], chosen[0]->get_name(), chosen[0]->get_name());
}

int train_and_save(const char_lm::TrainOptions& options) {
  try {
    return char_lm::train(options) ? 0 : kInterrupted;
  } catch (const std::bad_alloc&) {
    throw rw::Error(
        "there is not enough memory; smaller --hidden, --embed, --batch or --time need less");
  }
}

int run(int argc, char** argv) {
  CLI::App app("A character language model", "char_lm");
  app.require_subcommand(1);
  app.option_defaults()->always_capture_default()->take_last();  // what is said twice: the last
  char_lm::TrainOptions train_options;
  char_lm::SampleOptions sample_options;
  std::string model, text;
  const CLI::App* training = add_train(app, train_options);
  const CLI::App* sampling = add_sample(app, sample_options);
  CLI::App* eval = app.add_subcommand("eval", "Bits per character of a text");
  file(eval, "--model", model, "the model file")->required();
  file(eval, "--text", text, "the text to measure")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    std::ostringstream shown;
    app.exit(help, shown);
    rw::say(stdout, shown.str());
    return 0;
  } catch (const CLI::ParseError&) {
    refuse_unknown_words(app);
    throw;
  }
  if (*training) return train_and_save(train_options);
  rw::say(stdout, *sampling
                      ? char_lm::sample(sample_options) + "\n"
                      : fmt::format("{:.4f} bits per character\n", char_lm::evaluate(model, text)));
  return 0;
}

int fail(std::string message) {
  std::replace(message.begin(), message.end(), '\n', ' ');  // one line, whatever a file is named
  rw::say(stderr, "char_lm: " + message + "\n");
  return kBadUse;
}

}  // namespace

int main(int argc, char** argv) {
  char_lm::hold_standard_streams();
  try {
    const int status = run(argc, argv);
    char_lm::require_output();
    return status;
  } catch (const std::bad_alloc&) {
    return fail("there is not enough memory for this model and text");
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
