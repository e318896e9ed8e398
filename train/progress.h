// A line that says how far a long job is.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

#include "rewind/tensor/index.h"

namespace [[gnu::visibility("default")]] rw {

struct ProgressOptions {
  double seconds = 5;  // between two lines, where the output is no terminal
  Index width = 24;    // of the bar, in characters; less where the terminal has no room
};

// On a terminal it draws "[=====>    ] TEXT 0:31 left" over itself, a few times a second and never
// wider than the terminal. Into a file or a pipe it writes lines, "52 % TEXT 0:31 left": the
// first at once, then one every few seconds. What cannot be written, to a full disk or a closed
// stream, is lost and stops nothing.
class Progress {
 public:
  // `first` of `total` parts of the job are done already (a job that goes on).
  Progress(std::FILE* out, Index first, Index total, const ProgressOptions& options = {});
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Says that so many parts are done. Shown at once, or with a later update.
  void update(Index done, std::string_view text);

  // Takes the bar off the terminal, to make room for other output; the next update brings it back.
  void clear() noexcept;

  // Seconds since the start.
  double elapsed() const;

 private:
  std::string bar(double part, Index room) const;
  void redraw(std::string_view line) noexcept;

  std::FILE* out_;
  Index first_, total_;
  ProgressOptions options_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_;
  double next_ = 0;        // when to show again, in seconds since the start
  std::size_t drawn_ = 0;  // characters that stand on the terminal
};

// Writes a text and hands it on at once. A job must not end because nobody can read how far it is,
// so a failure throws nothing: whoever must know asks std::ferror(out).
void say(std::FILE* out, std::string_view text) noexcept;

// Seconds as m:ss or h:mm:ss.
std::string clock_text(double seconds);

}  // namespace rw
