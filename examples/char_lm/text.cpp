#include "text.h"

#include <algorithm>
#include <string_view>

#include "rewind/data/text.h"
#include "rewind/io/crc32.h"

namespace char_lm {
namespace {

using rw::FileError;
using rw::require;

// Control characters that texts use: backspace to carriage return, and escape.
bool is_text(unsigned char c) { return c >= 0x20 || (c >= 0x08 && c <= 0x0d) || c == 0x1b; }

std::string read(const std::string& path) {
  std::string text = rw::read_text(path);
  require<FileError>(!text.empty(), "'{}': the text is empty", path);
  const auto strange = std::find_if_not(text.begin(), text.end(), is_text);
  require<FileError>(strange == text.end(),
                     "'{}': this is no text, byte {} is the control character {}", path,
                     strange - text.begin(), strange == text.end() ? 0 : int{*strange});
  return text;
}

}  // namespace

std::string read_training_text(const std::string& path) {
  std::string text = read(path);
  require<FileError>(text.find_first_not_of(text[0]) != std::string::npos,
                     "'{}': the text has only one character, again and again; there is nothing to "
                     "learn",
                     path);
  return text;
}

std::string read_measured_text(const std::string& path) {
  std::string text = read(path);
  require<FileError>(text.size() >= 2,
                     "'{}': the text has one character; to predict one, two are needed", path);
  return text;
}

std::string fingerprint(const std::string& text) {
  return fmt::format("{} bytes, crc32 {:08x}", text.size(),
                     rw::crc32(0, std::as_bytes(std::span(text))));
}

Parts split(const std::vector<Index>& ids, Index batch, Index time, const std::string& path) {
  const auto n = static_cast<Index>(ids.size());
  // 90 % must hold one window and the character after it, 5 % one step of all columns; parts are
  // rounded down.
  const Index needed = std::max((batch * time + 1) * 100 / 90 + 1, (batch + 2) * 20);
  require<FileError>(n >= needed,
                     "'{}': the text has {} characters; --batch {} and --time {} need at least {}",
                     path, n, batch, time, needed);
  const auto at = [&](Index percent) { return ids.begin() + n * percent / 100; };
  return {{at(0), at(90)}, {at(90), at(95)}};
}

}  // namespace char_lm
