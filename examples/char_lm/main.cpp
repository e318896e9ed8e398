// char_lm: trains a character language model on a text file, lets it write, and measures texts by
// it.
//
//   char_lm train --text FILE [--cell lstm|gru|rnn] [--out model.safetensors] ...
//   char_lm sample --model model.safetensors [--prompt TEXT] [--temperature 0.8] ...
//   char_lm eval --model model.safetensors --text FILE
//
// Exit status 0, or 2 with one line on stderr when anything is wrong.
#include <CLI/CLI.hpp>

#include "sample.h"
#include "train.h"

namespace {

constexpr int kBadUse = 2;
constexpr char_lm::Index kMany = 1'000'000;

CLI::Option* positive(CLI::App* app, const std::string& name, char_lm::Index& value,
                      const std::string& text) {
  return app->add_option(name, value, text)->check(CLI::Range(char_lm::Index{1}, kMany));
}

CLI::App* add_train(CLI::App& app, char_lm::TrainOptions& o) {
  CLI::App* train = app.add_subcommand("train", "Learn from a text file");
  train->add_option("--text", o.text, "the text to learn from")->required();
  train->add_option("--cell", o.config.cell, "lstm, gru or rnn")
      ->check(CLI::IsMember({"lstm", "gru", "rnn"}));
  positive(train, "--layers", o.config.layers, "recurrent layers");
  positive(train, "--hidden", o.config.hidden, "units per layer");
  positive(train, "--embed", o.config.embed, "features of a character");
  positive(train, "--batch", o.batch, "streams read side by side");
  positive(train, "--time", o.time, "steps from update to update");
  positive(train, "--epochs", o.epochs, "passes over the text");
  train->add_option("--learning-rate", o.learning_rate, "Adam's step")
      ->check(CLI::Range(1e-9, 1e3));
  train->add_option("--dropout", o.config.dropout, "on the outputs of each layer")
      ->check(CLI::Range(0.0, 1.0));
  train->add_option("--clip", o.clip, "largest norm of the gradients")
      ->check(CLI::Range(1e-9, 1e9));
  train->add_option("--seed", o.seed, "of weights and dropout")
      ->check(CLI::Range(char_lm::Index{0}, kMany));
  train->add_option("--threads", o.threads, "0: as many as the machine offers")
      ->check(CLI::Range(char_lm::Index{0}, char_lm::Index{1024}));
  train->add_option("--out", o.out, "the model file, also what --resume reads");
  train->add_option("--metrics", o.metrics, "append a JSON line per epoch to this file");
  train->add_flag("--resume", o.resume, "go on where --out stands");
  return train;
}

CLI::App* add_sample(CLI::App& app, char_lm::SampleOptions& o) {
  CLI::App* sample = app.add_subcommand("sample", "Let a model write");
  sample->add_option("--model", o.model, "the model file")->required();
  sample->add_option("--prompt", o.prompt, "how the text begins");
  sample->add_option("--length", o.length, "characters to write")
      ->check(CLI::Range(char_lm::Index{0}, kMany));
  sample->add_option("--temperature", o.temperature, "0: always the likeliest; 1: as it learned")
      ->check(CLI::Range(0.0, 100.0));
  sample->add_option("--seed", o.seed, "of the draws")->check(CLI::Range(char_lm::Index{0}, kMany));
  return sample;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A character language model", "char_lm");
  app.require_subcommand(1);
  char_lm::TrainOptions train_options;
  char_lm::SampleOptions sample_options;
  std::string model, text;
  const CLI::App* train = add_train(app, train_options);
  const CLI::App* sample = add_sample(app, sample_options);
  CLI::App* eval = app.add_subcommand("eval", "Bits per character of a text");
  eval->add_option("--model", model, "the model file")->required();
  eval->add_option("--text", text, "the text to measure")->required();
  try {
    app.parse(argc, argv);
    if (*train) {
      char_lm::train(train_options);
    } else if (*sample) {
      fmt::print("{}\n", char_lm::sample(sample_options));
    } else {
      fmt::print("{:.4f} bits per character\n", char_lm::evaluate(model, text));
    }
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const std::exception& error) {
    fmt::print(stderr, "char_lm: {}\n", error.what());
    return kBadUse;
  }
}
