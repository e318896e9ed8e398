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
  Index width = 24;    // of the bar, in characters
};

// Draws "[=====>    ] 52 %  TEXT  left 0:31" over itself on a terminal, a few times a second. Into
// a file or a pipe it writes a line every few seconds instead.
class Progress {
 public:
  // `first` of `total` parts of the job are done already (a job that goes on).
  Progress(std::FILE* out, Index first, Index total, const ProgressOptions& options = {});

  // Says that so many parts are done. Shown at once, or soon, or with a later update.
  void update(Index done, std::string_view text);

  // Shows the text however recent the last one is, and ends the line.
  void finish(Index done, std::string_view text);

  // Seconds since the start.
  double elapsed() const;

 private:
  void show(Index done, std::string_view text);

  std::FILE* out_;
  Index first_, total_;
  ProgressOptions options_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_;
  double shown_at_;
  std::size_t shown_length_ = 0;
};

// Seconds as m:ss or h:mm:ss.
std::string clock_text(double seconds);

}  // namespace rw
