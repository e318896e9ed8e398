// Names in the file: those of the model, "checkpoint/optimizer.0/...", "checkpoint/carried/...".
// The few numbers stand as JSON in the metadata under "rewind.checkpoint".
#include "rewind/io/checkpoint.h"

#include <nlohmann/json.hpp>

#include "rewind/io/safetensors_header.h"

namespace rw {

namespace {

using Json = nlohmann::json;

constexpr const char* kKey = "rewind.checkpoint";
constexpr const char* kCarried = "checkpoint/carried/";
constexpr Index kVersion = 1;

std::string optimizer_prefix(std::size_t i) { return fmt::format("checkpoint/optimizer.{}/", i); }

// Moves what has the prefix out of `tensors`, without it.
std::map<std::string, Tensor> take(std::map<std::string, Tensor>& tensors,
                                   const std::string& prefix) {
  std::map<std::string, Tensor> taken;
  auto it = tensors.lower_bound(prefix);
  while (it != tensors.end() && it->first.starts_with(prefix)) {
    taken.emplace(it->first.substr(prefix.size()), std::move(it->second));
    it = tensors.erase(it);
  }
  return taken;
}

void put(const std::map<std::string, Tensor>& from, const std::string& prefix,
         std::map<std::string, Tensor>& tensors) {
  for (const auto& [name, tensor] : from) tensors.emplace(prefix + name, tensor);
}

}  // namespace

TensorFile pack_checkpoint(std::map<std::string, Tensor> model, const TrainingState& state) {
  for (const auto& entry : model) {
    require(!entry.first.starts_with("checkpoint/"),
            "save_checkpoint: {} begins with 'checkpoint/', which is reserved; rename the member",
            in_quotes(entry.first));
  }
  require(state.metadata.count(kKey) == 0,
          "save_checkpoint: the metadata key {} is reserved; use another", kKey);
  TensorFile file{std::move(model), state.metadata};
  for (std::size_t i = 0; i < state.optimizers.size(); ++i) {
    put(state.optimizers[i], optimizer_prefix(i), file.tensors);
  }
  put(state.carried, kCarried, file.tensors);
  file.metadata[kKey] =
      Json{{"version", kVersion},           {"optimizers", state.optimizers.size()},
           {"seed", state.random.seed},     {"draw", state.random.draw},
           {"epoch", state.position.epoch}, {"batch", state.position.batch}}
          .dump();
  return file;
}

TrainingState unpack_checkpoint(TensorFile& file, const std::string& source) {
  const auto node = file.metadata.extract(kKey);
  require<FileError>(!node.empty(),
                     "load_checkpoint '{}': this is no checkpoint; load_model takes the weights of "
                     "any file",
                     source);
  TrainingState state;
  try {
    const Json json = Json::parse(node.mapped());
    const auto version = json.at("version").get<Index>();
    require<FileError>(version == kVersion,
                       "load_checkpoint '{}': version {} of the format, this program knows {}",
                       source, version, kVersion);
    state.random = {json.at("seed").get<std::uint64_t>(), json.at("draw").get<std::uint64_t>()};
    state.position = {json.at("epoch").get<Index>(), json.at("batch").get<Index>()};
    const auto count = json.at("optimizers").get<std::size_t>();
    require<FileError>(count <= file.tensors.size(),
                       "load_checkpoint '{}': damaged: {} optimizers in {} tensors", source, count,
                       file.tensors.size());
    for (std::size_t i = 0; i < count; ++i) {
      state.optimizers.push_back(take(file.tensors, optimizer_prefix(i)));
    }
  } catch (const Json::exception&) {
    throw FileError(fmt::format("load_checkpoint '{}': damaged: {} reads {}", source, kKey,
                                in_quotes(node.mapped())));
  }
  state.carried = take(file.tensors, kCarried);
  state.metadata = std::move(file.metadata);
  return state;
}

}  // namespace rw
