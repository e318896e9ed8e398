#include "rewind/data/vocabulary.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/message_of.h"

namespace rw {
namespace {

TEST(CharVocabulary, IdsAreThePlacesOfTheSortedBytes) {
  const CharVocabulary vocabulary("banana\xff!");
  EXPECT_EQ(vocabulary.symbols(), "!abn\xff");
  EXPECT_EQ(vocabulary.size(), 5);
  EXPECT_EQ(vocabulary.encode("nab\xff"), (std::vector<Index>{3, 1, 2, 4}));
  EXPECT_EQ(vocabulary.decode(vocabulary.encode("banana!")), "banana!");
}

TEST(CharVocabulary, HoldsAllBytesAndNone) {
  std::string all;
  for (int byte = 255; byte >= 0; --byte) all += static_cast<char>(byte);
  const CharVocabulary vocabulary(all);
  EXPECT_EQ(vocabulary.size(), 256);
  EXPECT_EQ(vocabulary.decode(vocabulary.encode(all)), all);
  EXPECT_EQ(CharVocabulary("").size(), 0);
}

TEST(CharVocabulary, ComesBackFromItsSymbols) {
  const CharVocabulary first("to be or not");
  EXPECT_EQ(CharVocabulary(first.symbols()).symbols(), first.symbols());
}

TEST(CharVocabulary, NamesWhatItDoesNotKnow) {
  const CharVocabulary vocabulary("abc");
  EXPECT_FALSE(vocabulary.knows('z'));
  EXPECT_EQ(message_of([&] { vocabulary.encode("abz"); }),
            "encode: byte 0x7a 'z' at position 2 is not among the 3 symbols");
  EXPECT_EQ(message_of([&] { vocabulary.encode("\n"); }),
            "encode: byte 0x0a at position 0 is not among the 3 symbols");
  EXPECT_EQ(message_of([&] {
              vocabulary.decode(std::vector<Index>{0, 3});
            }),
            "decode: id 3 at position 1 is outside [0, 3)");
  EXPECT_THROW(vocabulary.decode(std::vector<Index>{-1}), IndexError);
}

TEST(Vocabulary, CommonWordsComeFirstAfterTheSpecials) {
  const auto vocabulary = Vocabulary::of_text("b a\tc  a\nb a <unk> <unk>");
  EXPECT_EQ(vocabulary.lines(), "<pad>\n<unk>\n<bos>\n<eos>\na\nb\nc\n");
  EXPECT_EQ(vocabulary.encode("a x <eos> c"), (std::vector<Index>{4, Vocabulary::kUnk, 3, 6}));
  EXPECT_EQ(vocabulary.decode(std::vector<Index>{2, 4, 1, 3}), "<bos> a <unk> <eos>");
}

TEST(Vocabulary, MayLeaveOutRareWords) {
  const std::string text = "a a a b b c";
  EXPECT_EQ(Vocabulary::of_text(text, {.min_count = 2}).size(), 6);
  EXPECT_EQ(Vocabulary::of_text(text, {.max_size = 5}).lines(), "<pad>\n<unk>\n<bos>\n<eos>\na\n");
  EXPECT_THROW(Vocabulary::of_text(text, {.max_size = 3}), ValueError);
}

TEST(Vocabulary, ComesBackFromItsLines) {
  const auto vocabulary = Vocabulary::of_text("one two \xc3\xa9t\xc3\xa9");
  EXPECT_EQ(Vocabulary::of_lines(vocabulary.lines()).lines(), vocabulary.lines());
  const auto windows = Vocabulary::of_lines("<pad>\r\n<unk>\r\n<bos>\r\n<eos>\r\nlast");
  EXPECT_EQ(windows.id("last"), 4);
  EXPECT_EQ(windows.token(4), "last");
}

TEST(Vocabulary, RefusesWhatIsNoVocabulary) {
  const std::string specials = "<pad>\n<unk>\n<bos>\n<eos>\n";
  EXPECT_EQ(message_of([&] { Vocabulary::of_lines(specials + "a\nb\na\n"); }),
            "vocabulary: token 'a' appears twice, as 4 and 6");
  EXPECT_NE(message_of([&] { Vocabulary::of_lines(specials + "a\n\nb\n"); }).find("number 5"),
            std::string::npos);
  EXPECT_NE(message_of([] { Vocabulary::of_lines("a\nb\n"); }).find("found 2 lines, the first 'a'"),
            std::string::npos);
  EXPECT_THROW(Vocabulary::of_lines(""), ValueError);
  EXPECT_THROW(Vocabulary(std::vector<std::string>{"two words"}), ValueError);
  EXPECT_THROW(Vocabulary::of_text("a").token(5), IndexError);
}

TEST(SplitWords, CutsAtAnyWhiteSpace) {
  EXPECT_EQ(split_words(" a\t\nbc \r\n d"), (std::vector<std::string_view>{"a", "bc", "d"}));
  EXPECT_TRUE(split_words(" \n").empty());
  EXPECT_TRUE(split_words("").empty());
}

}  // namespace
}  // namespace rw
