#include "rewind/train/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "rewind/tensor/error.h"

namespace rw {
namespace {

constexpr double kRedraw = 0.2;  // seconds between two drawings on a terminal

}  // namespace

Progress::Progress(std::FILE* out, Index first, Index total, const ProgressOptions& options)
    : out_(out),
      first_(first),
      total_(total),
      options_(options),
      terminal_(isatty(fileno(out)) != 0),
      start_(std::chrono::steady_clock::now()),
      shown_at_(terminal_ ? -kRedraw : 0) {
  require(total >= 1 && first >= 0 && first <= total, "progress: {} of {} parts are done", first,
          total);
}

double Progress::elapsed() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Progress::update(Index done, std::string_view text) {
  if (elapsed() - shown_at_ >= (terminal_ ? kRedraw : options_.seconds)) show(done, text);
}

void Progress::finish(Index done, std::string_view text) {
  show(done, text);
  if (terminal_) fmt::print(out_, "\n");
  std::fflush(out_);
}

void Progress::show(Index done, std::string_view text) {
  shown_at_ = elapsed();
  const double part = static_cast<double>(done) / static_cast<double>(total_);
  const double left = done > first_ ? shown_at_ * static_cast<double>(total_ - done) /
                                          static_cast<double>(done - first_)
                                    : 0;
  const auto filled = static_cast<std::size_t>(part * static_cast<double>(options_.width));
  std::string bar(static_cast<std::size_t>(options_.width), ' ');
  std::fill_n(bar.begin(), std::min(filled, bar.size()), '=');
  if (filled < bar.size()) bar[filled] = '>';
  const std::string line =
      terminal_
          ? fmt::format("[{}] {:3.0f} %  {}  left {}", bar, 100 * part, text, clock_text(left))
          : fmt::format("{:3.0f} %  {}  left {}", 100 * part, text, clock_text(left));
  if (terminal_) {
    fmt::print(out_, "\r{:<{}}", line, shown_length_);  // spaces over what was longer
    shown_length_ = line.size();
  } else {
    fmt::print(out_, "{}\n", line);
  }
  std::fflush(out_);
}

std::string clock_text(double seconds) {
  const auto all = static_cast<Index>(seconds + 0.5);
  const Index hours = all / 3600;
  const Index minutes = all / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, all % 60);
  return fmt::format("{}:{:02}", minutes, all % 60);
}

}  // namespace rw
