// Names in the file: those of the model, "checkpoint/optimizer.0/...", "checkpoint/carried/...".
// The few numbers stand as JSON in the metadata under "rewind.checkpoint".
#include "rewind/io/checkpoint.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "rewind/io/safetensors_header.h"

namespace rw {

namespace {

using Json = nlohmann::json;

constexpr const char* kKey = "rewind.checkpoint";
constexpr const char* kReserved = "checkpoint/";
constexpr const char* kCarried = "checkpoint/carried/";
constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kMostOptimizers = 10'000;  // a number in a file must not cost more memory
constexpr std::uint64_t kMostBits = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMostIndex = std::numeric_limits<Index>::max();

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

// The numbers of a checkpoint as its file states them.
class Description {
 public:
  Description(const std::string& text, const std::string& source)
      : text_(text), source_(source), json_(Json::parse(text, nullptr, false)) {
    if (!json_.is_object()) fail();
  }

  // The parser's own conversion would round, wrap, and take true for 1.
  std::uint64_t whole(const char* key, std::uint64_t most) const {
    const auto found = json_.find(key);
    if (found == json_.end()) fail();
    const bool fits = found->is_number_unsigned() && found->get<std::uint64_t>() <= most;
    require<FileError>(fits,
                       "load_checkpoint '{}': damaged: {} is {}; it must be a whole number from 0 "
                       "to {}",
                       source_, key, in_quotes(found->dump()), most);
    return found->get<std::uint64_t>();
  }
  Index index(const char* key) const { return static_cast<Index>(whole(key, kMostIndex)); }

 private:
  [[noreturn]] void fail() const {
    throw FileError(
        fmt::format("load_checkpoint '{}': damaged: {} reads {}", source_, kKey, in_quotes(text_)));
  }

  const std::string& text_;
  const std::string& source_;
  Json json_;
};

}  // namespace

TensorFile pack_checkpoint(std::map<std::string, Tensor> model, const TrainingState& state) {
  for (const auto& entry : model) {
    require(!entry.first.starts_with(kReserved),
            "save_checkpoint: {} begins with '{}', which is reserved; rename the member",
            in_quotes(entry.first), kReserved);
  }
  require(state.optimizers.size() <= kMostOptimizers,
          "save_checkpoint: {} optimizers; a checkpoint holds at most {}", state.optimizers.size(),
          kMostOptimizers);
  require(state.position.epoch >= 0 && state.position.batch >= 0,
          "save_checkpoint: the position is epoch {}, batch {}; both count from 0",
          state.position.epoch, state.position.batch);
  require(state.metadata.count(kKey) == 0,
          "save_checkpoint: the metadata key {} is reserved; use another", kKey);
  TensorFile file{std::move(model), state.metadata};
  for (std::size_t i = 0; i < state.optimizers.size(); ++i) {
    put(state.optimizers[i], optimizer_prefix(i), file.tensors);
  }
  put(state.carried, kCarried, file.tensors);
  file.metadata[kKey] =
      Json{{"version", kVersion},           {"optimizers", state.optimizers.size()},
           {"seed", state.random.seed()},   {"draw", state.random.draw()},
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
  const Description numbers(node.mapped(), source);
  const std::uint64_t version = numbers.whole("version", kMostBits);
  require<FileError>(version == kVersion,
                     "load_checkpoint '{}': version {} of the format, this program knows {}",
                     source, version, kVersion);
  TrainingState state;
  state.random = Rng(numbers.whole("seed", kMostBits), numbers.whole("draw", kMostBits));
  state.position = {numbers.index("epoch"), numbers.index("batch")};
  const std::uint64_t count = numbers.whole("optimizers", kMostOptimizers);
  for (std::size_t i = 0; i < count; ++i) {
    state.optimizers.push_back(take(file.tensors, optimizer_prefix(i)));
  }
  state.carried = take(file.tensors, kCarried);
  const auto left = take(file.tensors, kReserved);
  require<FileError>(left.empty(),
                     "load_checkpoint '{}': {} belongs to no part of a checkpoint with {} "
                     "optimizers, nor do {} others",
                     source, left.empty() ? "" : in_quotes(kReserved + left.begin()->first), count,
                     left.size() - 1);
  state.metadata = std::move(file.metadata);
  return state;
}

}  // namespace rw
