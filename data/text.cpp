// Reading through C streams: they report a directory and a failing disk, which fstream hides.
#include "rewind/data/text.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace rw {

std::string read_text(const std::string& path) {
  const auto check = [&path](bool holds, const char* step) {
    require<FileError>(holds, "read_text: cannot {} '{}', {}", step, path,
                       std::generic_category().message(errno));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  check(file != nullptr, "open");
  std::string text;
  std::array<char, 1 << 16> chunk;
  while (const std::size_t count = std::fread(chunk.data(), 1, chunk.size(), file.get())) {
    const std::size_t zero = std::string_view(chunk.data(), count).find('\0');
    require<FileError>(zero == std::string_view::npos,
                       "read_text: '{}' is no text, byte {} is zero; convert it to UTF-8 if it is "
                       "UTF-16",
                       path, text.size() + zero);
    text.append(chunk.data(), count);
  }
  check(std::ferror(file.get()) == 0, "read");
  return text;
}

}  // namespace rw
