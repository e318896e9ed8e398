// The checksums: "rewind.crc32" is a row of CRC-32s, eight hexadecimal digits each. The first is
// that of the header as `header_json` writes it without this key, so spaces and the order of keys
// do not matter; then one for each tensor, over its bytes in the file, in the order of the buffer.
//
// A flipped bit in that key's own name would turn the checks off. So the header also carries
// "rewind.format", and a file with either key must have both.
#include "rewind/io/safetensors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "rewind/io/atomic_file.h"
#include "rewind/io/crc32.h"
#include "rewind/io/safetensors_header.h"
#include "rewind/io/stored_numbers_inl.h"
#include "rewind/tensor/strided.h"

namespace rw {

namespace {

constexpr const char* kFormatKey = "rewind.format";
constexpr const char* kFormat = "1";
constexpr const char* kChecksumKey = "rewind.crc32";
constexpr std::size_t kChunk = 1 << 18;  // bytes read at once; a multiple of every width

// What `open` gave, closed in the end.
struct Descriptor {
  explicit Descriptor(int opened) : number(opened) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number;
};

// A file for reading. Positions are counted from its start; whoever shortens it meanwhile causes an
// error, not a crash as with a mapped file.
class InputFile {
 public:
  explicit InputFile(const std::string& path)
      : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat info {};
    if (file_.number < 0 || ::fstat(file_.number, &info) != 0) fail("cannot open it");
    require<FileError>(S_ISREG(info.st_mode), "load_tensors '{}': this is no regular file", path_);
    size_ = static_cast<std::uint64_t>(info.st_size);
  }

  std::uint64_t size() const { return size_; }

  void read(std::uint64_t position, std::span<std::byte> out) const {
    while (!out.empty()) {
      const ssize_t count =
          ::pread(file_.number, out.data(), out.size(), static_cast<off_t>(position));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("cannot read it");
      require<FileError>(count > 0, "load_tensors '{}': it ends at byte {} of {}; somebody cut it",
                         path_, position, size_);
      position += static_cast<std::uint64_t>(count);
      out = out.subspan(static_cast<std::size_t>(count));
    }
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw FileError(fmt::format("load_tensors '{}': {}, {}", path_, what,
                                std::generic_category().message(errno)));
  }

  std::string path_;
  Descriptor file_;
  std::uint64_t size_ = 0;
};

std::uint32_t checksum(const std::string& text) { return crc32(0, std::as_bytes(std::span(text))); }

std::string hex(std::uint32_t checksum) { return fmt::format("{:08x}", checksum); }

// Reads one tensor and appends the checksum of its bytes.
Tensor read_tensor(const InputFile& file, const std::string& path, const TensorEntry& entry,
                   std::uint64_t buffer_start, std::string& checksums) {
  const StoredNumbers* const stored = find_stored(entry.dtype);
  require<DtypeError>(stored != nullptr,
                      "load_tensors '{}': tensor {} holds {}, for which there is no dtype here; "
                      "convert it where the file was made",
                      path, in_quotes(entry.name), entry.dtype);
  require<FileError>(entry.shape.size() <= kMaxRank,
                     "load_tensors '{}': tensor {} has {} dimensions, at most {} are possible here",
                     path, in_quotes(entry.name), entry.shape.size(), kMaxRank);
  Tensor tensor = Tensor::uninitialized({Dims(entry.shape), stored->dtype});
  std::byte* out = OutputAccess::bytes(tensor);
  std::vector<std::byte> chunk(std::min<std::uint64_t>(kChunk, entry.end - entry.begin));
  std::uint32_t crc = 0;
  for (std::uint64_t at = entry.begin; at < entry.end; at += chunk.size()) {
    chunk.resize(std::min<std::uint64_t>(kChunk, entry.end - at));
    file.read(buffer_start + at, chunk);
    crc = crc32(crc, chunk);
    require<FileError>(
        stored->convert(chunk, out), "load_tensors '{}': tensor {} has a value that is no {}", path,
        in_quotes(entry.name), stored->dtype == boolean ? "bool (neither 0 nor 1)" : "int64");
    out += chunk.size() / stored->width * static_cast<std::size_t>(bytes_of(stored->dtype));
  }
  checksums += hex(crc);
  return tensor;
}

// Takes our keys out of the metadata; empty when the file was written by others.
std::string take_checksums(TensorHeader& header, const std::string& path) {
  const auto format = header.metadata.find(kFormatKey);
  const auto node = header.metadata.extract(kChecksumKey);
  if (format == header.metadata.end() && node.empty()) return {};
  require<FileError>(format != header.metadata.end() && !node.empty() && !node.mapped().empty(),
                     "load_tensors '{}': damaged: of the keys {} and {} one is missing", path,
                     kFormatKey, kChecksumKey);
  return node.mapped();
}

// Names what differs, the header first: if that is damaged the rest means nothing.
void compare(const std::string& stated, const std::string& found, const TensorHeader& header,
             const std::string& path) {
  if (stated == found) return;
  const auto differs = std::ranges::mismatch(stated, found);
  const auto which = static_cast<std::size_t>(differs.in2 - found.begin()) / 8;
  const bool is_tensor = which > 0 && which <= header.entries.size();
  throw FileError(fmt::format(
      "load_tensors '{}': damaged: the checksum of {} does not fit. If a program changed the file "
      "on purpose and kept the old checksums, remove {} from its metadata",
      path, is_tensor ? "tensor " + in_quotes(header.entries[which - 1].name) : "the header",
      kChecksumKey));
}

Tensor contiguous_copy(const Tensor& tensor) {
  if (tensor.contiguous()) return tensor;
  Tensor copy = Tensor::uninitialized(tensor.spec());
  copy_elements(tensor, copy);
  return copy;
}

std::span<const std::byte> bytes_in(const Tensor& tensor) {
  return dispatch_any(tensor.dtype(),
                      [&](auto zero) { return std::as_bytes(tensor.span<decltype(zero)>()); });
}

}  // namespace

TensorFile load_tensors(const std::string& path) {
  const InputFile file(path);
  std::array<std::byte, kHeaderPrefixBytes> start{};
  const auto prefix =
      std::span(start).first(std::min<std::uint64_t>(kHeaderPrefixBytes, file.size()));
  file.read(0, prefix);
  const std::uint64_t length = header_length(prefix, file.size(), path);
  std::string json(length, ' ');
  file.read(kHeaderPrefixBytes, std::as_writable_bytes(std::span(json)));
  const std::uint64_t buffer_start = kHeaderPrefixBytes + length;
  TensorHeader header = parse_header(json, file.size() - buffer_start, path);

  const std::string stated = take_checksums(header, path);
  std::string found = stated.empty() ? "" : hex(checksum(header_json(header)));
  if (!stated.empty()) compare(stated.substr(0, found.size()), found, header, path);
  header.metadata.erase(kFormatKey);

  TensorFile result;
  for (const TensorEntry& entry : header.entries) {
    result.tensors.emplace(entry.name, read_tensor(file, path, entry, buffer_start, found));
  }
  if (!stated.empty()) compare(stated, found, header, path);
  result.metadata = std::move(header.metadata);
  return result;
}

void save_tensors(const std::string& path, const TensorFile& file) {
  TensorHeader header{.entries = {}, .metadata = file.metadata};
  for (const char* key : {kFormatKey, kChecksumKey}) {
    require(header.metadata.count(key) == 0,
            "save_tensors '{}': the metadata key {} is reserved; use another", path, key);
  }
  for (const auto& [name, tensor] : file.tensors) {
    require(tensor.defined() && tensor.has_data(), "save_tensors '{}': tensor {} holds no numbers",
            path, in_quotes(name));
    header.entries.push_back({.name = name,
                              .dtype = std::string(stored_name(tensor.dtype())),
                              .shape = {tensor.shape().begin(), tensor.shape().end()}});
  }
  lay_out(header);
  header.metadata[kFormatKey] = kFormat;
  std::string checksums = hex(checksum(header_json(header)));
  std::vector<Tensor> contents;
  for (const TensorEntry& entry : header.entries) {
    contents.push_back(contiguous_copy(file.tensors.at(entry.name)));
    checksums += hex(crc32(0, bytes_in(contents.back())));
  }
  header.metadata[kChecksumKey] = std::move(checksums);

  AtomicFile out(path);
  const std::string start = framed_header(header_json(header));
  out.write(std::as_bytes(std::span(start)));
  for (const Tensor& content : contents) out.write(bytes_in(content));
  out.commit();
}

}  // namespace rw
