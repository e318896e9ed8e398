// What the container accepts, and the sentence with which it refuses everything else. Many cases
// carry the names that the format's own test suite gives them.
#include "rewind/io/safetensors_header.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace rw {
namespace {

std::string refusal(const std::string& json, std::uint64_t buffer_bytes) {
  try {
    parse_header(json, buffer_bytes, "f");
  } catch (const FileError& error) {
    return error.what();
  }
  return "accepted";
}

std::string refusal_of_start(const std::string& start, std::uint64_t file_bytes) {
  try {
    header_length(std::as_bytes(std::span(start)), file_bytes, "f");
  } catch (const FileError& error) {
    return error.what();
  }
  return "accepted";
}

std::string entry(const std::string& shape, const std::string& offsets,
                  const std::string& dtype = "F32") {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

struct Case {
  std::string what;
  std::string json;
  std::uint64_t buffer_bytes;
  std::string says;
};

void expect_refused(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const std::string text = refusal(c.json, c.buffer_bytes);
    EXPECT_TRUE(text.starts_with("safetensors 'f': ")) << c.what << ": " << text;
    EXPECT_NE(text.find(c.says), std::string::npos) << c.what << ": " << text;
  }
}

TEST(SafetensorsHeader, ReadsEntriesInTheOrderOfTheBuffer) {
  const TensorHeader header =
      parse_header(R"({"b":{"data_offsets":[8,12],"shape":[],"dtype":"F32"},"a":)" +
                       entry("[2]", "[0,8]") + R"(,"__metadata__":{"k":"v"}}   )",
                   12, "f");
  ASSERT_EQ(header.entries.size(), 2U);
  EXPECT_EQ(header.entries[0].name, "a");
  EXPECT_EQ(header.entries[0].shape, std::vector<Index>{2});
  EXPECT_EQ(header.entries[1].name, "b");
  EXPECT_EQ(header.entries[1].dtype, "F32");
  EXPECT_EQ(header.entries[1].begin, 8U);
  EXPECT_EQ(header.entries[1].end, 12U);
  EXPECT_EQ(header.metadata.at("k"), "v");
}

TEST(SafetensorsHeader, AcceptsTheLegalOddities) {
  EXPECT_EQ(refusal("{}", 0), "accepted");
  EXPECT_EQ(refusal(" \n\t{ } ", 0), "accepted");                                   // padded
  EXPECT_EQ(refusal(R"({"x":)" + entry("[2,0,3]", "[0,0]") + "}", 0), "accepted");  // zero sized
  EXPECT_EQ(refusal(R"({"x":)" + entry("[]", "[0,4]") + "}", 4), "accepted");
  EXPECT_EQ(refusal(R"({"":)" + entry("[1]", "[0,4]") + "}", 4), "accepted");
  EXPECT_EQ(refusal(R"({"x":)" + entry("[4]", "[0,2]", "F4") + "}", 2), "accepted");
  EXPECT_EQ(refusal(R"({"__metadata__":{}})", 0), "accepted");
  EXPECT_EQ(refusal("{\"x\":" + entry("[0]", "[0,0]") + ",\"y\":" + entry("[1]", "[0,4]") +
                        ",\"z\":" + entry("[0]", "[4,4]") + "}",
                    4),
            "accepted");
}

TEST(SafetensorsHeader, RefusesWhatIsNotTheFormatAtAll) {
  expect_refused({
      {"invalid_header_non_utf8", "{\"\xff\":1}", 0, "not JSON in UTF-8, see byte 3"},
      {"invalid_header_not_json", "{]", 0, "not JSON in UTF-8, see byte 2"},
      {"empty", "", 0, "does not begin with '{'"},
      {"only padding", "    ", 0, "does not begin with '{'"},
      {"a list", "[]", 0, "does not begin with '{'"},
      {"byte order mark", "\xef\xbb\xbf{}", 0, "does not begin with '{'"},
      {"cut off", "{", 0, "not JSON in UTF-8"},
      {"two objects", "{}{}", 0, "not JSON in UTF-8, see byte 3"},
      {"comment", "{/**/}", 0, "not JSON in UTF-8"},
      {"zero byte as an end", std::string("{}\0hidden", 9), 0, "see byte 3"},
      {"trailing comma", R"({"x":)" + entry("[1]", "[0,4]") + ",}", 4, "not JSON"},
  });
}

TEST(SafetensorsHeader, JsonAttackByDepthStopsAtOnce) {
  const std::string deep(1'000'000, '[');
  expect_refused({
      {"lists", R"({"x":)" + deep, 0, "'x' must be described by an object, found a list"},
      {"in a shape", R"({"x":{"shape":[)" + deep, 0, "'shape' must be a list of integers"},
      {"objects", R"({"x":{"shape":{"a":{)", 0, "'shape' must be a list, found an object"},
      {"in metadata", R"({"__metadata__":{"k":{}}})", 0, "metadata 'k' must be a text"},
  });
}

TEST(SafetensorsHeader, JsonAttackByHugeClaimsTakesNoMemory) {
  std::string json = "{", zeros;
  for (int i = 0; i < 100; ++i) zeros += ",0";
  for (int i = 0; i < 10; ++i) {
    json += fmt::format("{}\"weight_{}\":{}", i == 0 ? "" : ",", i,
                        entry("[2, 2]", "[0, 18446744073709551615]"));
  }
  expect_refused({
      {"json_attack", json + "}", 16, "16 bytes, data_offsets [0, 18446744073709551615] disagree"},
      {"many dimensions", R"({"x":{"shape":[0)" + zeros + "]}}", 0, "more than 64 dimensions"},
  });
}

TEST(SafetensorsHeader, Bug45ProductsThatWrapAreRefused) {
  const std::string two32 = "4294967296", two61 = "2305843009213693952";
  const auto x = [](const std::string& shape, const std::string& offsets) {
    return R"({"x":)" + entry(shape, offsets) + "}";
  };
  expect_refused({
      {"to exactly zero", x("[" + two32 + "," + two32 + "]", "[0,0]"), 0, "no size in whole bytes"},
      {"by the width", x("[2,2,1," + two61 + "]", "[0,0]"), 0, "no size in whole bytes"},
      {"zero after", x("[" + two32 + "," + two32 + ",0]", "[0,0]"), 0, "no size in whole bytes"},
      {"zero before", x("[0," + two32 + "," + two32 + "]", "[0,0]"), 0, "no size in whole bytes"},
      {"validation_overflow", x("[2," + two61 + ",9]", "[0,16]"), 16, "no size in whole bytes"},
      {"beyond 64 bits", x("[18446744073709551616]", "[0,0]"), 0, "integers from 0 to 2^63 - 1"},
      {"beyond 63 bits", x("[9223372036854775808]", "[0,0]"), 0, "found 9223372036854775808"},
      {"half bytes", R"({"x":)" + entry("[3]", "[0,2]", "F4") + "}", 2, "no size in whole bytes"},
  });
}

TEST(SafetensorsHeader, Bug46NegativeAndBrokenNumbersAreRefused) {
  const auto x = [](const std::string& shape, const std::string& offsets) {
    return R"({"x":)" + entry(shape, offsets) + "}";
  };
  expect_refused({
      {"negative size", x("[-1]", "[0,4]"), 4, "'shape' must be a list of integers"},
      {"fraction", x("[1.5]", "[0,4]"), 4, "found '1.5'"},
      {"exponent", x("[1e0]", "[0,4]"), 4, "found '1e0'"},
      {"text", x("[\"1\"]", "[0,4]"), 4, "found the text '1'"},
      {"null", x("null", "[0,4]"), 4, "'shape' must be a list, found null"},
      {"one number", x("[1]", "[4]"), 4, "data_offsets must be two numbers, found 1"},
      {"three numbers", x("[1]", "[0,4,8]"), 4, "data_offsets must be two numbers, found more"},
      {"backwards", x("[1]", "[4,0]"), 4, "data_offsets [4, 0] disagree"},
      {"negative offset", x("[1]", "[-4,0]"), 4, "found -4"},
  });
}

TEST(SafetensorsHeader, RefusesSizesThatDisagree) {
  expect_refused({
      {"invalid_info", R"({"x":)" + entry("[2,2]", "[0,4]") + "}", 4,
       "tensor 'x': F32 of shape [2, 2] has 16 bytes, data_offsets [0, 4] disagree"},
      {"metadata_incomplete_buffer, trailing bytes", R"({"x":)" + entry("[1]", "[0,4]") + "}", 5,
       "the tensors take 4 bytes, the file has 5"},
      {"cut off", R"({"x":)" + entry("[2]", "[0,8]") + "}", 7, "take 8 bytes, the file has 7"},
      {"bytes of nobody", "{}", 1, "take 0 bytes, the file has 1"},
      {"hole", R"({"x":)" + entry("[1]", "[0,4]") + R"(,"y":)" + entry("[1]", "[8,12]") + "}", 12,
       "tensor 'y' begins at byte 8 of the buffer where 4 was due"},
      {"hole before", R"({"x":)" + entry("[1]", "[4,8]") + "}", 8, "byte 4 of the buffer where 0"},
      {"overlap", R"({"x":)" + entry("[2]", "[0,8]") + R"(,"y":)" + entry("[2]", "[4,12]") + "}",
       12, "tensor 'y' begins at byte 4 of the buffer where 8 was due"},
      {"the same bytes twice",
       R"({"x":)" + entry("[1]", "[0,4]") + R"(,"y":)" + entry("[1]", "[0,4]") + "}", 4,
       "tensor 'y' begins at byte 0"},
  });
}

TEST(SafetensorsHeader, RefusesWhatIsSaidTwiceOrNotAtAll) {
  const std::string x = entry("[1]", "[0,4]");
  expect_refused({
      {"tensor twice", R"({"x":)" + x + R"(,"x":)" + x + "}", 4, "two tensors are called 'x'"},
      {"escaped alike", R"({"x":)" + x + R"(,"\u0078":)" + x + "}", 4, "two tensors"},
      {"dtype twice", R"({"x":{"dtype":"F32","dtype":"F32"}})", 0, "'dtype' appears twice"},
      {"shape twice", R"({"x":{"shape":[],"shape":[1]}})", 0, "'shape' appears twice"},
      {"offsets twice", R"({"x":{"data_offsets":[0,4],"data_offsets":[0,4]}})", 0, "appears twice"},
      {"metadata twice", R"({"__metadata__":{},"__metadata__":{}})", 0, "appears twice"},
      {"metadata key twice", R"({"__metadata__":{"k":"1","k":"2"}})", 0, "'k' appears twice"},
      {"no dtype", R"({"x":{"shape":[1],"data_offsets":[0,4]}})", 4, "dtype is missing"},
      {"no shape", R"({"x":{"dtype":"F32","data_offsets":[0,4]}})", 4, "shape is missing"},
      {"no offsets", R"({"x":{"dtype":"F32","shape":[1]}})", 4, "data_offsets is missing"},
      {"nothing", R"({"x":{}})", 4, "dtype is missing"},
      {"another key", R"({"x":{"dtype":"F32","file":"/etc/passwd"}})", 4, "unknown key 'file'"},
      {"unknown dtype", R"({"x":)" + entry("[1]", "[0,4]", "F33") + "}", 4, "unknown dtype 'F33'"},
      {"dtype a number", R"({"x":{"dtype":32}})", 4, "'dtype' must be a text, found 32"},
      {"metadata a number", R"({"__metadata__":{"k":1}})", 0, "'k' must be a text, found 1"},
      {"metadata a text", R"({"__metadata__":"k"})", 0, "described by an object"},
      {"metadata null", R"({"__metadata__":null})", 0, "found null"},
  });
}

TEST(SafetensorsHeader, RefusesHeaderLengthsThatLie) {
  const auto start = [](std::uint64_t length) {
    return framed_header("").replace(0, 8, reinterpret_cast<const char*>(&length), 8);
  };
  EXPECT_EQ(refusal_of_start(start(8), 16), "accepted");
  EXPECT_EQ(refusal_of_start("", 0),
            "safetensors 'f': 0 bytes are too few for any file of this format");
  EXPECT_NE(refusal_of_start("1234567", 7).find("too few"), std::string::npos);  // header_too_small
  EXPECT_NE(refusal_of_start(start(100'000'001), 1'000'000'000).find("the format allows 100000000"),
            std::string::npos);  // header_too_large
  EXPECT_NE(refusal_of_start(start(9), 16).find("does not fit a file of 16"),
            std::string::npos);  // invalid_header_length
  EXPECT_NE(refusal_of_start(start(~0ULL), 16).find("the format allows"), std::string::npos);
}

TEST(SafetensorsHeader, NamesInErrorsAreHarmless) {
  expect_refused({{"escape codes", R"({"\u001b[2J":1})", 0, R"('\x1b[2J' must be described)"},
                  {"long", "{\"" + std::string(1000, 'n') + "\":1}", 0,
                   "'" + std::string(100, 'n') + "...' must"}});
}

TEST(SafetensorsHeader, LaysOutTheWidestFirstThenByName) {
  TensorHeader header;
  header.entries = {{.name = "flag", .dtype = "BOOL", .shape = {3}},
                    {.name = "b", .dtype = "F32", .shape = {2}},
                    {.name = "a", .dtype = "F32", .shape = {}},
                    {.name = "double", .dtype = "F64", .shape = {1}},
                    {.name = "int", .dtype = "I64", .shape = {0, 5}}};
  header.metadata = {{"k", "\"v\"\n"}};
  lay_out(header);
  const std::string json = header_json(header);
  EXPECT_EQ(json, R"({"__metadata__":{"k":"\"v\"\n"},)"
                  R"("int":{"dtype":"I64","shape":[0,5],"data_offsets":[0,0]},)"
                  R"("double":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
                  R"("a":{"dtype":"F32","shape":[],"data_offsets":[8,12]},)"
                  R"("b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]},)"
                  R"("flag":{"dtype":"BOOL","shape":[3],"data_offsets":[20,23]}})");
  EXPECT_EQ(header_json(parse_header(json, 23, "f")), json);
}

TEST(SafetensorsHeader, FramesWithTheBufferAligned) {
  const std::string framed = framed_header("{\"a\":1}  ");
  EXPECT_EQ(framed, std::string("\x10\0\0\0\0\0\0\0{\"a\":1}         ", 24));
  EXPECT_EQ(framed_header("{}").size(), 16U);
}

TEST(SafetensorsHeader, WritingRefusesWhatNobodyCouldRead) {
  TensorHeader header;
  header.entries = {{.name = "__metadata__", .dtype = "F32", .shape = {}}};
  EXPECT_THROW(header_json(header), ValueError);
  header.entries[0].name = "\xff";
  EXPECT_THROW(header_json(header), ValueError);
  header.entries[0].dtype = "F33";
  EXPECT_THROW(lay_out(header), ValueError);
  header.entries[0].dtype = "F32";
  header.entries[0].shape = {Index{1} << 62, 4};
  EXPECT_THROW(lay_out(header), ValueError);
}

}  // namespace
}  // namespace rw
