// The JSON is read as events, not as a tree: a tree would keep the last of two equal keys and say
// nothing, and would hold whatever nesting a hostile file asks for. The reader below is always at
// one of six places, and each event is legal at few of them; so nesting deeper than the format
// needs, and every value of a wrong kind, stops at the byte where it appears.
#include <array>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "rewind/io/header_reader_inl.h"

namespace rw {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxDimensions = 64;  // as NumPy; a list of zeros costs memory by its length

class HeaderReader {
 public:
  explicit HeaderReader(std::string_view file) : file_(file) {}

  TensorHeader take() { return std::move(header_); }

  // The interface that nlohmann's parser calls; each returns whether to go on.
  bool null() { return misplaced("null"); }
  bool boolean(bool) { return misplaced("true or false"); }
  bool number_integer(std::int64_t value) { return misplaced(fmt::format("{}", value)); }
  bool number_float(double, const std::string& digits) { return misplaced(in_quotes(digits)); }
  bool binary(Json::binary_t&) { return misplaced("bytes"); }
  bool number_unsigned(std::uint64_t value);
  bool string(std::string& value);
  bool start_object(std::size_t);
  bool key(std::string& name);
  bool end_object();
  bool start_array(std::size_t);
  bool end_array();
  bool parse_error(std::size_t position, const std::string&, const Json::exception&) {
    refuse("the header is not JSON in UTF-8, see byte {} of it", position);
    return false;
  }

 private:
  enum class Place { kBefore, kFile, kMetadata, kTensor, kShape, kOffsets };

  template <class... Args>
  void refuse(fmt::format_string<Args...> what, Args&&... args) const {
    throw FileError(
        fmt::format("safetensors '{}': {}", file_, fmt::format(what, std::forward<Args>(args)...)));
  }
  template <class... Args>
  void check(bool holds, fmt::format_string<Args...> what, Args&&... args) const {
    if (!holds) refuse(what, std::forward<Args>(args)...);
  }
  bool misplaced(std::string_view found) const;
  TensorEntry& entry() { return header_.entries.back(); }
  bool begin_list(Place place, bool& seen);

  std::string_view file_;
  TensorHeader header_;
  Place place_ = Place::kBefore;
  std::string key_;  // the last key at this place
  std::unordered_set<std::string> names_;
  bool has_metadata_ = false;
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false;  // of the current tensor
  std::array<std::uint64_t, 2> offsets_{};
  std::size_t offset_count_ = 0;
};

bool HeaderReader::misplaced(std::string_view found) const {
  switch (place_) {
    case Place::kBefore:
      refuse("the header must be a JSON object, found {}", found);
      break;
    case Place::kFile:
      refuse("{} must be described by an object, found {}", in_quotes(key_), found);
      break;
    case Place::kMetadata:
      refuse("metadata {} must be a text, found {}", in_quotes(key_), found);
      break;
    case Place::kTensor:
      refuse("tensor {}: {} must be a {}, found {}", in_quotes(header_.entries.back().name),
             in_quotes(key_), key_ == "dtype" ? "text" : "list", found);
      break;
    case Place::kShape:
    case Place::kOffsets:
      refuse("tensor {}: {} must be a list of integers from 0 to 2^63 - 1, found {}",
             in_quotes(header_.entries.back().name), in_quotes(key_), found);
  }
  return false;
}

bool HeaderReader::number_unsigned(std::uint64_t value) {
  if (place_ == Place::kShape && value <= std::numeric_limits<Index>::max()) {
    check(entry().shape.size() < kMaxDimensions, "tensor {}: more than {} dimensions",
          in_quotes(entry().name), kMaxDimensions);
    entry().shape.push_back(static_cast<Index>(value));
    return true;
  }
  if (place_ == Place::kOffsets) {
    check(offset_count_ < 2, "tensor {}: data_offsets must be two numbers, found more",
          in_quotes(entry().name));
    offsets_[offset_count_++] = value;
    return true;
  }
  return misplaced(fmt::format("{}", value));
}

bool HeaderReader::string(std::string& value) {
  if (place_ == Place::kMetadata) {
    check(header_.metadata.emplace(key_, std::move(value)).second, "metadata {} appears twice",
          in_quotes(key_));
    return true;
  }
  if (place_ == Place::kTensor && key_ == "dtype") {
    entry().dtype = std::move(value);
    has_dtype_ = true;
    return true;
  }
  return misplaced("the text " + in_quotes(value));
}

bool HeaderReader::start_object(std::size_t) {
  if (place_ == Place::kBefore) {
    place_ = Place::kFile;
  } else if (place_ == Place::kFile && key_ == "__metadata__") {
    check(!std::exchange(has_metadata_, true), "__metadata__ appears twice");
    place_ = Place::kMetadata;
  } else if (place_ == Place::kFile) {
    check(names_.insert(key_).second, "two tensors are called {}", in_quotes(key_));
    header_.entries.push_back({.name = key_, .dtype = {}, .shape = {}});
    has_dtype_ = has_shape_ = has_offsets_ = false;
    place_ = Place::kTensor;
  } else {
    return misplaced("an object");
  }
  return true;
}

bool HeaderReader::key(std::string& name) {
  key_ = std::move(name);
  if (place_ == Place::kTensor) {
    check(key_ == "dtype" || key_ == "shape" || key_ == "data_offsets",
          "tensor {}: unknown key {}; the format has dtype, shape and data_offsets",
          in_quotes(entry().name), in_quotes(key_));
    const bool seen = key_ == "dtype" ? has_dtype_ : key_ == "shape" ? has_shape_ : has_offsets_;
    check(!seen, "tensor {}: {} appears twice", in_quotes(entry().name), in_quotes(key_));
  }
  return true;
}

bool HeaderReader::end_object() {
  if (place_ == Place::kTensor) {
    check(has_dtype_ && has_shape_ && has_offsets_, "tensor {}: {} is missing",
          in_quotes(entry().name),
          !has_dtype_   ? "dtype"
          : !has_shape_ ? "shape"
                        : "data_offsets");
    entry().begin = offsets_[0];
    entry().end = offsets_[1];
  }
  place_ = Place::kFile;  // of no meaning after the outermost
  return true;
}

bool HeaderReader::begin_list(Place place, bool& seen) {
  place_ = place;
  seen = true;
  offset_count_ = 0;
  return true;
}

bool HeaderReader::start_array(std::size_t) {
  if (place_ == Place::kTensor && key_ == "shape") return begin_list(Place::kShape, has_shape_);
  if (place_ == Place::kTensor && key_ == "data_offsets") {
    return begin_list(Place::kOffsets, has_offsets_);
  }
  return misplaced("a list");
}

bool HeaderReader::end_array() {
  check(place_ == Place::kShape || offset_count_ == 2,
        "tensor {}: data_offsets must be two numbers, found {}", in_quotes(entry().name),
        offset_count_);
  place_ = Place::kTensor;
  return true;
}

}  // namespace

TensorHeader read_header_json(std::string_view json, std::string_view file) {
  // Two habits of the parser that the format does not share: it skips a byte order mark, and it
  // takes a zero byte for the end of the text.
  const std::size_t first = json.find_first_not_of(" \t\r\n");
  require<FileError>(first != std::string_view::npos && json[first] == '{',
                     "safetensors '{}': the header does not begin with '{{'", file);
  const std::size_t zero = json.find('\0');
  require<FileError>(zero == std::string_view::npos,
                     "safetensors '{}': the header is not JSON in UTF-8, see byte {} of it", file,
                     zero + 1);
  HeaderReader reader(file);
  Json::sax_parse(json.begin(), json.end(), &reader);
  return reader.take();
}

}  // namespace rw
