#include "metrics.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "rewind/tensor/error.h"

namespace char_lm {
namespace {

using Json = nlohmann::ordered_json;

// What another attempt at an epoch may have otherwise, in their order in the line.
constexpr const char* kThreads = "threads";
constexpr const char* kSpeed = "chars_per_s";

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Where the last line begins, whether or not it has its end.
std::size_t start_of_last_line(const std::string& content) {
  if (content.size() < 2) return 0;
  const std::size_t end_before = content.rfind('\n', content.size() - 2);
  return end_before == std::string::npos ? 0 : end_before + 1;
}

// What the same epoch gives again.
std::string reproducible(Json line) {
  line.erase(kThreads);
  line.erase(kSpeed);
  return line.dump();
}

// Whether `last` is what an earlier attempt at this epoch wrote of its line, all or the beginning.
bool is_attempt(const std::string& last, const Json& line) {
  const Json whole = Json::parse(last, nullptr, false);
  if (whole.is_object()) return reproducible(whole) == reproducible(line);
  const std::string text = line.dump();
  const std::size_t length = std::min(last.size(), text.find(kThreads));
  return last.compare(0, length, text, 0, length) == 0;
}

// Appends all of the text and puts it on disk, or changes nothing. Gives errno, 0 when it worked.
int append(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) return errno;
  const off_t before = lseek(file, 0, SEEK_END);
  const ssize_t written = write(file, text.data(), text.size());
  int failure = written < 0 ? errno : 0;
  if (written >= 0 && static_cast<std::size_t>(written) < text.size()) failure = ENOSPC;
  if (failure == 0 && fsync(file) != 0) failure = errno;
  if (failure != 0 && ftruncate(file, before) != 0) failure = errno;
  close(file);
  return failure;
}

}  // namespace

Metrics::Metrics(std::string path, bool resumed) : path_(std::move(path)), resumed_(resumed) {}

void Metrics::add(const Json& line) {
  if (path_.empty()) return;
  const std::string content = content_of(path_);
  const std::size_t last = start_of_last_line(content);
  int failure = 0;
  bool whole = content.empty() || content.back() == '\n';
  if (std::exchange(resumed_, false) && !content.empty() &&
      is_attempt(content.substr(last), line)) {
    if (truncate(path_.c_str(), static_cast<off_t>(last)) != 0) failure = errno;
    whole = true;
  }
  if (failure == 0) failure = append(path_, (whole ? "" : "\n") + line.dump() + "\n");
  if (failure_ == 0) failure_ = failure;
}

void Metrics::require_written() const {
  rw::require<rw::FileError>(failure_ == 0, "'{}': cannot write the metrics, {}", path_,
                             std::generic_category().message(failure_));
}

}  // namespace char_lm
