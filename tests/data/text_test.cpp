#include "rewind/data/text.h"

#include <gtest/gtest.h>

#include <string>

#include "support/temporary_folder.h"

namespace rw {
namespace {

class ReadText : public testing::Test {
 protected:
  std::string put(const std::string& content) {
    test::put(folder_ / "text", content);
    return folder_ / "text";
  }
  static std::string refusal(const std::string& path) {
    try {
      read_text(path);
    } catch (const FileError& error) {
      return error.what();
    }
    return "read";
  }
  const test::TemporaryFolder folder_;
};

TEST_F(ReadText, GivesTheBytesAsTheyAre) {
  const std::string long_text(200'000, 'x');
  EXPECT_EQ(read_text(put("a\r\n\xff")), "a\r\n\xff");
  EXPECT_EQ(read_text(put(long_text)), long_text);
  EXPECT_EQ(read_text(put("")), "");
}

TEST_F(ReadText, SaysWhyItCannot) {
  EXPECT_EQ(refusal("no/such/file"),
            "read_text: cannot open 'no/such/file', No such file or directory");
  EXPECT_EQ(refusal("/"), "read_text: cannot read '/', Is a directory");
  EXPECT_NE(refusal(put(std::string("ab\0c", 4))).find("is no text, byte 2 is zero"),
            std::string::npos);
}

}  // namespace
}  // namespace rw
