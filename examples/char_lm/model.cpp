#include "model.h"

#include <nlohmann/json.hpp>

namespace char_lm {
namespace {

constexpr const char* kKey = "char_lm";
constexpr Index kMost = 100'000'000;  // more units than memory has weights for

bool is_size(Index size) { return size > 0 && size <= kMost; }

bool is_sound(const Config& c) {
  const bool known = c.cell == "lstm" || c.cell == "gru" || c.cell == "rnn";
  const bool sizes = is_size(c.layers) && is_size(c.hidden) && is_size(c.embed);
  return known && sizes && c.dropout >= 0 && c.dropout <= 1 && !c.symbols.empty();
}

}  // namespace

std::map<std::string, std::string> to_metadata(const Config& config) {
  // Symbols are bytes, which JSON would want to be UTF-8: they go as numbers.
  const std::vector<unsigned char> symbols(config.symbols.begin(), config.symbols.end());
  const nlohmann::json json = {{"cell", config.cell},       {"layers", config.layers},
                               {"hidden", config.hidden},   {"embed", config.embed},
                               {"dropout", config.dropout}, {"symbols", symbols}};
  return {{kKey, json.dump()}};
}

Config from_metadata(const std::map<std::string, std::string>& metadata, const std::string& path) {
  const auto found = metadata.find(kKey);
  rw::require<rw::FileError>(found != metadata.end(), "'{}': this file is no char_lm model", path);
  Config config;
  try {
    const nlohmann::json json = nlohmann::json::parse(found->second);
    const auto symbols = json.at("symbols").get<std::vector<unsigned char>>();
    config = {.cell = json.at("cell").get<std::string>(),
              .layers = json.at("layers").get<Index>(),
              .hidden = json.at("hidden").get<Index>(),
              .embed = json.at("embed").get<Index>(),
              .dropout = json.at("dropout").get<double>(),
              .symbols = std::string(symbols.begin(), symbols.end())};
  } catch (const nlohmann::json::exception&) {
    config.symbols.clear();
  }
  rw::require<rw::FileError>(is_sound(config),
                             "'{}': damaged: the description of the model reads {}", path,
                             found->second);
  return config;
}

Config read_config(const std::string& path) {
  return from_metadata(rw::load_tensors(path).metadata, path);
}

}  // namespace char_lm
