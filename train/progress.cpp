#include "rewind/train/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "rewind/tensor/error.h"

namespace rw {
namespace {

constexpr double kRedraw = 0.2;      // seconds between two drawings on a terminal
constexpr Index kUsualColumns = 80;  // of a terminal that does not say
constexpr Index kNarrowest = 4;      // a shorter bar shows nothing

Index columns_of(std::FILE* terminal) {
  winsize size{};
  const bool known = ioctl(fileno(terminal), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsualColumns;
}

}  // namespace

Progress::Progress(std::FILE* out, Index first, Index total, const ProgressOptions& options)
    : out_(out),
      first_(first),
      total_(total),
      options_(options),
      terminal_(isatty(fileno(out)) != 0),
      start_(std::chrono::steady_clock::now()) {
  require(total >= 1 && first >= 0 && first <= total, "progress: {} of {} parts are done", first,
          total);
}

double Progress::elapsed() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Progress::update(Index done, std::string_view text) {
  const double now = elapsed();
  if (now < next_) return;
  next_ = now + (terminal_ ? kRedraw : options_.seconds);
  const double part = static_cast<double>(done) / static_cast<double>(total_);
  const double left =
      done > first_ ? now * static_cast<double>(total_ - done) / static_cast<double>(done - first_)
                    : 0;
  const std::string rest = fmt::format("{} {} left", text, clock_text(left));
  if (!terminal_) {
    say(out_, fmt::format("{:.0f} % {}\n", 100 * part, rest));
    return;
  }
  // The last column stays empty: many terminals go to the next line when it is written.
  const Index columns = columns_of(out_) - 1;
  const std::string line = bar(part, columns - static_cast<Index>(rest.size())) + rest;
  redraw(line.substr(0, static_cast<std::size_t>(std::max<Index>(columns, 0))));
}

void Progress::clear() noexcept {
  if (drawn_ == 0) return;
  redraw("");
  say(out_, "\r");
  next_ = 0;
}

// "[===>   ] " in so many characters or fewer; where there is no room, "52 % ".
std::string Progress::bar(double part, Index room) const {
  const Index width = std::min(options_.width, room - 3);
  if (width < kNarrowest) return fmt::format("{:.0f} % ", 100 * part);
  const auto filled = static_cast<std::size_t>(part * static_cast<double>(width));
  std::string bar(static_cast<std::size_t>(width), ' ');
  std::fill_n(bar.begin(), std::min(filled, bar.size()), '=');
  if (filled < bar.size()) bar[filled] = '>';
  return "[" + bar + "] ";
}

void Progress::redraw(std::string_view line) noexcept {
  const auto width = [](std::size_t size) { return static_cast<int>(size); };
  std::fprintf(out_, "\r%-*.*s", width(drawn_), width(line.size()), line.data());
  std::fflush(out_);
  drawn_ = line.size();
}

void say(std::FILE* out, std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), out);
  std::fflush(out);
}

std::string clock_text(double seconds) {
  const auto all = static_cast<Index>(seconds + 0.5);
  const Index hours = all / 3600;
  const Index minutes = all / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, all % 60);
  return fmt::format("{}:{:02}", minutes, all % 60);
}

}  // namespace rw
