#include "rewind/train/progress.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "rewind/tensor/error.h"

namespace rw {
namespace {

TEST(Progress, WritesTheFirstLineAtOnceAndThenWaits) {
  std::FILE* file = std::tmpfile();
  {
    Progress progress(file, 0, 4, {.seconds = 3600});
    progress.update(1, "first");
    progress.update(2, "second");
  }
  std::rewind(file);
  char line[100];
  ASSERT_NE(std::fgets(line, sizeof line, file), nullptr);
  EXPECT_STREQ(line, "25 % first 0:00 left\n");
  EXPECT_EQ(std::fgets(line, sizeof line, file), nullptr);
  std::fclose(file);
}

std::vector<std::string> lines_of(std::FILE* file) {
  std::rewind(file);
  std::vector<std::string> lines;
  char line[100];
  while (std::fgets(line, sizeof line, file) != nullptr) lines.emplace_back(line);
  std::fclose(file);
  return lines;
}

// 2 parts in at least 1.2 seconds leave as much for 2 more, however many were done before.
TEST(Progress, EstimatesWhatIsLeftFromThePartsOfThisRun) {
  std::FILE* file = std::tmpfile();
  Progress progress(file, 96, 100);
  while (progress.elapsed() < 1.2) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  progress.update(98, "text");
  const auto latest = static_cast<int>(progress.elapsed() + 0.5);
  const std::vector<std::string> lines = lines_of(file);
  ASSERT_EQ(lines.size(), 1u);
  int seconds = 0;
  ASSERT_EQ(std::sscanf(lines[0].c_str(), "98 %% text 0:%d left\n", &seconds), 1) << lines[0];
  EXPECT_GE(seconds, 1);
  EXPECT_LE(seconds, latest);
}

TEST(Progress, WritesNoLineBeforeItsSecondsAreOver) {
  constexpr double kSeconds = 0.1;
  std::FILE* file = std::tmpfile();
  Progress progress(file, 0, 100, {.seconds = kSeconds});
  while (progress.elapsed() < 5.5 * kSeconds) {
    progress.update(1, "text");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const double end = progress.elapsed();
  const auto count = static_cast<double>(lines_of(file).size());
  EXPECT_GE(count, 2);
  EXPECT_LE(count, end / kSeconds + 1);
}

TEST(Progress, StopsNothingWhereNothingCanBeWritten) {
  for (const char* path : {"/dev/full", "/dev/null"}) {  // the second is opened to be read
    std::FILE* file = std::fopen(path, std::string(path) == "/dev/full" ? "w" : "r");
    ASSERT_NE(file, nullptr);
    Progress progress(file, 0, 4);
    EXPECT_NO_THROW(progress.update(1, "first"));
    EXPECT_NO_THROW(say(file, "a line"));
    EXPECT_NE(std::ferror(file), 0);
    progress.clear();
    std::fclose(file);
  }
}

TEST(Progress, RefusesMoreThanThereIs) {
  try {
    Progress progress(stderr, 5, 4);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "progress: 5 of 4 parts are done");
  }
}

TEST(Progress, TimesReadAsOnAClock) {
  EXPECT_EQ(clock_text(0), "0:00");
  EXPECT_EQ(clock_text(59.6), "1:00");
  EXPECT_EQ(clock_text(3599), "59:59");
  EXPECT_EQ(clock_text(3600 + 120 + 3), "1:02:03");
}

}  // namespace
}  // namespace rw
