// The container of safetensors files, without the tensors: what a file says it holds, checked.
//
//   8 bytes  N, little-endian
//   N bytes  a JSON object: {"__metadata__": {text: text}, name: {dtype, shape, data_offsets}, ...}
//   rest     the buffer; data_offsets = [begin, end) count from its start
//
// Files come from anywhere, so nothing is believed before it is checked: sizes are multiplied with
// overflow checks, and memory grows with the bytes that are there, never with a number read from
// them. Whatever is wrong throws FileError with the file, the tensor, the values and the rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rewind/tensor/error.h"
#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {

struct TensorEntry {
  std::string name;
  std::string dtype;         // as the format spells it: F32, BOOL, BF16, ...
  std::vector<Index> shape;  // any rank; sizes of 0 are legal
  std::uint64_t begin = 0;   // bytes from the start of the buffer, row-major, little-endian
  std::uint64_t end = 0;
};

struct TensorHeader {
  std::vector<TensorEntry> entries;  // in the order of the buffer, which they cover without gap
  std::map<std::string, std::string> metadata;
};

inline constexpr std::uint64_t kHeaderPrefixBytes = 8;
inline constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit

// N, from the first bytes of a file of `file_bytes` bytes. `start` holds 8 bytes, or the whole of a
// shorter file. `file` names the file in errors, here and below.
std::uint64_t header_length(std::span<const std::byte> start, std::uint64_t file_bytes,
                            std::string_view file);

// The N bytes of JSON, and the size of the buffer that follows them. Refused beside plain syntax
// errors: duplicate names and keys, keys that the format does not have, unknown dtypes, sizes that
// disagree with the offsets, gaps, overlaps, and bytes that no tensor owns.
TensorHeader parse_header(std::string_view json, std::uint64_t buffer_bytes, std::string_view file);

// Orders the entries by dtype, the widest first so that each is aligned, then by name, and sets
// their offsets. Throws ValueError for a dtype that the format does not have.
void lay_out(TensorHeader& header);

// The JSON of a header, entries in the order they have. Names and metadata must be UTF-8, and no
// tensor may be called __metadata__: ValueError.
std::string header_json(const TensorHeader& header);

// The start of a file: N and the JSON, padded with spaces so that the buffer begins at a multiple
// of 8.
std::string framed_header(std::string_view json);

// A name out of a file, fit for a message: in quotes, unprintable bytes as \xNN, long ones cut.
std::string in_quotes(std::string_view name);

}  // namespace rw
