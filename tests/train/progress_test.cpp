#include "rewind/train/progress.h"

#include <gtest/gtest.h>

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
