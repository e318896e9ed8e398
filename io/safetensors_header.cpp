// Sizes, offsets and coverage, both ways: checked in what was read, computed for what is written.
// The JSON itself is the business of header_reader.cpp.
#include "rewind/io/safetensors_header.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "rewind/io/header_reader_inl.h"

namespace rw {

namespace {

using Json = nlohmann::json;

struct Width {
  std::string_view dtype;
  std::uint64_t bits;
};

// Every dtype of the format, in the order by which its files are laid out, the last first.
constexpr std::array<Width, 22> kWidths = {{
    {"BOOL", 8},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
    {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
    {"I32", 32},        {"U32", 32},    {"F32", 32},    {"C64", 64},    {"F64", 64},
    {"I64", 64},        {"U64", 64},
}};

const Width* find_width(std::string_view dtype) {
  const auto* found = std::ranges::find(kWidths, dtype, &Width::dtype);
  return found == kWidths.end() ? nullptr : found;
}

// The order in which `lay_out` puts tensors: the widest first, equally wide ones by name.
bool lies_before(const TensorEntry& a, const TensorEntry& b) {
  const Width* const width_a = find_width(a.dtype);
  const Width* const width_b = find_width(b.dtype);
  return width_a != width_b ? width_a > width_b : a.name < b.name;
}

std::string text(const std::vector<Index>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ", ", shape[i]);
  }
  return text + "]";
}

// Bytes of a tensor, or false where a product leaves 64 bits or is no whole number of bytes. Zeros
// are set aside, so that [2^33, 2^33, 0] is refused like [0, 2^33, 2^33]: a product that may wrap
// must not decide whether it is looked at.
bool byte_size(const std::vector<Index>& shape, std::uint64_t bits, std::uint64_t* bytes) {
  std::uint64_t product = bits;
  bool empty = false;
  for (const Index size : shape) {
    empty = empty || size == 0;
    if (size != 0 && __builtin_mul_overflow(product, static_cast<std::uint64_t>(size), &product)) {
      return false;
    }
  }
  *bytes = empty ? 0 : product / 8;
  return empty || product % 8 == 0;
}

void check_size(const TensorEntry& entry, std::string_view file) {
  const Width* const width = find_width(entry.dtype);
  require<FileError>(width != nullptr, "safetensors '{}': tensor {}: unknown dtype {}", file,
                     in_quotes(entry.name), in_quotes(entry.dtype));
  std::uint64_t bytes = 0;
  require<FileError>(byte_size(entry.shape, width->bits, &bytes),
                     "safetensors '{}': tensor {}: {} of shape {} has no size in whole bytes below "
                     "2^64",
                     file, in_quotes(entry.name), entry.dtype, text(entry.shape));
  require<FileError>(entry.begin <= entry.end && entry.end - entry.begin == bytes,
                     "safetensors '{}': tensor {}: {} of shape {} has {} bytes, data_offsets "
                     "[{}, {}] disagree",
                     file, in_quotes(entry.name), entry.dtype, text(entry.shape), bytes,
                     entry.begin, entry.end);
}

void check_coverage(const TensorHeader& header, std::uint64_t buffer_bytes, std::string_view file) {
  std::uint64_t covered = 0;
  for (const TensorEntry& entry : header.entries) {
    require<FileError>(entry.begin == covered,
                       "safetensors '{}': tensor {} begins at byte {} of the buffer where {} was "
                       "due; tensors must neither overlap nor leave gaps",
                       file, in_quotes(entry.name), entry.begin, covered);
    covered = entry.end;
  }
  require<FileError>(covered == buffer_bytes,
                     "safetensors '{}': the tensors take {} bytes, the file has {} for them; it is "
                     "cut off or something was appended",
                     file, covered, buffer_bytes);
}

std::string json_string(const std::string& text) {
  try {
    return Json(text).dump();
  } catch (const Json::type_error&) {
    throw ValueError(fmt::format("safetensors: {} is not UTF-8; the format has no other texts",
                                 in_quotes(text)));
  }
}

}  // namespace

std::uint64_t header_length(std::span<const std::byte> start, std::uint64_t file_bytes,
                            std::string_view file) {
  require<FileError>(file_bytes >= kHeaderPrefixBytes && start.size() >= kHeaderPrefixBytes,
                     "safetensors '{}': {} bytes are too few for any file of this format", file,
                     file_bytes);
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kHeaderPrefixBytes; ++i) {
    length |= std::to_integer<std::uint64_t>(start[i]) << (8 * i);
  }
  require<FileError>(length <= kMaxHeaderBytes,
                     "safetensors '{}': a header of {} bytes, the format allows {}; this may be a "
                     "file of another kind",
                     file, length, kMaxHeaderBytes);
  require<FileError>(length <= file_bytes - kHeaderPrefixBytes,
                     "safetensors '{}': a header of {} bytes does not fit a file of {}; it is cut "
                     "off or of another kind",
                     file, length, file_bytes);
  return length;
}

TensorHeader parse_header(std::string_view json, std::uint64_t buffer_bytes,
                          std::string_view file) {
  TensorHeader header = read_header_json(json, file);
  for (const TensorEntry& entry : header.entries) check_size(entry, file);
  // Tensors of no bytes share their offsets: among them it is the order of `lay_out` that counts.
  std::ranges::sort(header.entries, [](const TensorEntry& a, const TensorEntry& b) {
    const std::pair range_a(a.begin, a.end), range_b(b.begin, b.end);
    return range_a != range_b ? range_a < range_b : lies_before(a, b);
  });
  check_coverage(header, buffer_bytes, file);
  return header;
}

void lay_out(TensorHeader& header) {
  for (const TensorEntry& entry : header.entries) {
    require(find_width(entry.dtype) != nullptr, "safetensors: tensor {}: unknown dtype {}",
            in_quotes(entry.name), in_quotes(entry.dtype));
  }
  std::ranges::sort(header.entries, lies_before);
  std::uint64_t at = 0;
  for (TensorEntry& entry : header.entries) {
    std::uint64_t bytes = 0;
    require(byte_size(entry.shape, find_width(entry.dtype)->bits, &bytes) &&
                !__builtin_add_overflow(at, bytes, &bytes),
            "safetensors: tensor {}: {} of shape {} does not fit a file", in_quotes(entry.name),
            entry.dtype, text(entry.shape));
    entry.begin = at;
    entry.end = at = bytes;
  }
}

std::string header_json(const TensorHeader& header) {
  std::string json = "{";
  const auto separate = [&json] {
    if (json.back() != '{') json += ',';
  };
  if (!header.metadata.empty()) {
    json += "\"__metadata__\":{";
    for (const auto& [key, value] : header.metadata) {
      separate();
      json += json_string(key) + ":" + json_string(value);
    }
    json += '}';
  }
  for (const TensorEntry& entry : header.entries) {
    require(entry.name != "__metadata__",
            "safetensors: '__metadata__' is reserved; give the tensor another name");
    separate();
    json += fmt::format(R"({}:{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})",
                        json_string(entry.name), entry.dtype, Json(entry.shape).dump(), entry.begin,
                        entry.end);
  }
  return json + "}";
}

std::string framed_header(std::string_view json) {
  const std::size_t padded = (json.size() + 7) / 8 * 8;
  require(padded <= kMaxHeaderBytes,
          "safetensors: names and metadata take {} bytes, the format allows {}", padded,
          kMaxHeaderBytes);
  std::string framed;
  framed.reserve(kHeaderPrefixBytes + padded);
  for (std::size_t i = 0; i < kHeaderPrefixBytes; ++i) {
    framed += static_cast<char>(padded >> (8 * i));
  }
  framed += json;
  framed.append(padded - json.size(), ' ');
  return framed;
}

std::string in_quotes(std::string_view name) {
  constexpr std::size_t kShown = 100;
  std::string text = "'";
  for (const char byte : name.substr(0, kShown)) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x20 || code >= 0x7f) {
      text += fmt::format("\\x{:02x}", code);
    } else {
      text += byte;
    }
  }
  return text + (name.size() > kShown ? "...'" : "'");
}

}  // namespace rw
