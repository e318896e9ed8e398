// Tensors through files and back, files of other programs, and files that are damaged.
#include "rewind/io/safetensors.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "rewind/io/safetensors_header.h"
#include "rewind/io/stored_numbers_inl.h"
#include "support/paths.h"
#include "support/temporary_folder.h"

namespace rw {
namespace {

using test::content_of;
using test::put;
using test::TemporaryFolder;

template <class T>
Tensor tensor_of(const Dims& shape, const std::vector<T>& values) {
  Tensor tensor = Tensor::uninitialized({shape, dtype_of<T>()});
  const auto out = tensor.mutable_span<T>();
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = values[i];
  return tensor;
}

template <class T>
std::vector<T> values_of(const Tensor& tensor) {
  const auto span = tensor.span<T>();
  return {span.begin(), span.end()};
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.spec() != b.spec()) return false;
  return dispatch_any(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    return a.size() == 0 || std::memcmp(a.span<T>().data(), b.span<T>().data(),
                                        static_cast<std::size_t>(a.size()) * sizeof(T)) == 0;
  });
}

bool same(const TensorFile& a, const TensorFile& b) {
  if (a.metadata != b.metadata || a.tensors.size() != b.tensors.size()) return false;
  for (const auto& [name, tensor] : a.tensors) {
    const auto found = b.tensors.find(name);
    if (found == b.tensors.end() || !same_bits(tensor, found->second)) return false;
  }
  return true;
}

TensorFile small_file() {
  TensorFile file;
  const double nan_with_payload = std::bit_cast<double>(0x7FF8000000001234ULL);
  file.tensors["weight"] = tensor_of<float>({2, 3}, {1, -2, 3.5F, -0.0F, INFINITY, 1e-45F});
  file.tensors["bias"] = tensor_of<double>({2}, {nan_with_payload, 0.1});
  file.tensors["ids"] = tensor_of<Index>({3}, {-1, 0, std::numeric_limits<Index>::max()});
  file.tensors["mask"] = tensor_of<bool>({1, 3}, {true, false, true});
  file.tensors["scalar"] = tensor_of<float>({}, {7});
  file.tensors["empty"] = tensor_of<float>({0, 4}, {});
  file.metadata = {{"epoch", "3"}, {"note", "\"quoted\"\n\u00e9"}};
  return file;
}

std::string written(const TensorFile& file) {
  TemporaryFolder folder;
  save_tensors(folder / "f", file);
  return content_of(folder / "f");
}

// What loading these bytes says: "loaded", or the error.
std::string outcome(const std::string& path, const std::string& bytes, TensorFile* file) {
  put(path, bytes);
  try {
    *file = load_tensors(path);
    return "loaded";
  } catch (const Error& error) {
    return error.what();
  }
}

std::string outcome(const std::string& bytes) {
  TemporaryFolder folder;
  TensorFile ignored;
  return outcome(folder / "f", bytes, &ignored);
}

// One tensor "x" of the given stored bytes, as another program would write it.
std::string foreign_file(const std::string& dtype, const std::string& shape,
                         const std::string& bytes) {
  return framed_header(fmt::format(R"({{"x":{{"dtype":"{}","shape":{},"data_offsets":[0,{}]}}}})",
                                   dtype, shape, bytes.size())) +
         bytes;
}

template <class Stored>
Tensor read_as(const std::string& dtype, const std::vector<Stored>& stored) {
  TemporaryFolder folder;
  std::string bytes(stored.size() * sizeof(Stored), '\0');
  std::memcpy(bytes.data(), stored.data(), bytes.size());
  put(folder / "f", foreign_file(dtype, fmt::format("[{}]", stored.size()), bytes));
  return load_tensors(folder / "f").tensors.at("x");
}

TEST(Safetensors, WhatIsSavedIsLoadedBitForBit) {
  TemporaryFolder folder;
  save_tensors(folder / "f", small_file());
  EXPECT_TRUE(same(load_tensors(folder / "f"), small_file()));
}

TEST(Safetensors, AnEmptyFileOfNoTensorsIsAFile) {
  TemporaryFolder folder;
  save_tensors(folder / "f", {});
  EXPECT_TRUE(same(load_tensors(folder / "f"), {}));
}

// Tensors of no bytes share their offsets, so offsets alone do not say in which order they lie.
TEST(Safetensors, ManyEmptyTensorsOfAllDtypesComeBack) {
  TensorFile file;
  file.tensors["full"] = tensor_of<float>({2}, {1, 2});
  for (int i = 0; i < 20; ++i) {
    for (const Dtype dtype : {boolean, int64, float32, float64}) {
      const std::string name = fmt::format("{}.{}", (7 * i) % 20, dtype);
      file.tensors[name] = Tensor::uninitialized({{i % 3, 0}, dtype});
    }
  }
  TemporaryFolder folder;
  save_tensors(folder / "f", file);
  EXPECT_TRUE(same(load_tensors(folder / "f"), file));
}

TEST(Safetensors, TheOrderOfKeysInTheHeaderDoesNotMatter) {
  TensorFile file;
  file.tensors["a"] = Tensor::uninitialized({{0}, float32});
  file.tensors["b"] = Tensor::uninitialized({{0}, float64});
  std::string bytes = written(file);
  const std::string first = R"("b":{"dtype":"F64","shape":[0],"data_offsets":[0,0]})";
  const std::string second = R"("a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  const std::size_t at = bytes.find(first + "," + second);
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, first.size() + 1 + second.size(), second + "," + first);
  EXPECT_EQ(outcome(bytes), "loaded");
}

TEST(Safetensors, ViewsAreWrittenAsTheirNumbers) {
  const Tensor x = tensor_of<float>({2, 3}, {0, 1, 2, 3, 4, 5});
  TensorFile file;
  file.tensors["transposed"] = x.view({3, 2}, {1, 3}, 0);
  file.tensors["row"] = x.view({3}, {1}, 3);
  file.tensors["repeated"] = x.view({2, 2}, {0, 1}, 1);
  TemporaryFolder folder;
  save_tensors(folder / "f", file);
  const TensorFile loaded = load_tensors(folder / "f");
  EXPECT_EQ(values_of<float>(loaded.tensors.at("transposed")),
            (std::vector<float>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(values_of<float>(loaded.tensors.at("row")), (std::vector<float>{3, 4, 5}));
  EXPECT_EQ(values_of<float>(loaded.tensors.at("repeated")), (std::vector<float>{1, 2, 1, 2}));
}

TEST(Safetensors, TheSameContentGivesTheSameBytes) {
  EXPECT_EQ(written(small_file()), written(small_file()));
}

TEST(Safetensors, ReadsWhatOthersStoreWithoutRounding) {
  EXPECT_EQ(
      values_of<float>(read_as<std::uint16_t>(
          "F16", {0x3C00, 0xC000, 0x7BFF, 0x0001, 0x8000, 0x03FF, 0x7C00, 0xFC00})),
      (std::vector<float>{1, -2, 65504, 0x1p-24F, -0.0F, 1023 * 0x1p-24F, INFINITY, -INFINITY}));
  EXPECT_TRUE(std::isnan(read_as<std::uint16_t>("F16", {0x7E00}).item()));
  EXPECT_TRUE(std::signbit(read_as<std::uint16_t>("F16", {0x8000}).item()));
  EXPECT_EQ(values_of<float>(read_as<std::uint16_t>("BF16", {0x3F80, 0xC040, 0x7F80})),
            (std::vector<float>{1, -3, INFINITY}));
  EXPECT_EQ(values_of<Index>(read_as<std::int8_t>("I8", {-128, 127})),
            (std::vector<Index>{-128, 127}));
  EXPECT_EQ(values_of<Index>(read_as<std::uint8_t>("U8", {255})), std::vector<Index>{255});
  EXPECT_EQ(values_of<Index>(read_as<std::int16_t>("I16", {-32768})), std::vector<Index>{-32768});
  EXPECT_EQ(values_of<Index>(read_as<std::uint16_t>("U16", {65535})), std::vector<Index>{65535});
  EXPECT_EQ(values_of<Index>(read_as<std::int32_t>("I32", {-7})), std::vector<Index>{-7});
  EXPECT_EQ(values_of<Index>(read_as<std::uint32_t>("U32", {~0U})), std::vector<Index>{4294967295});
  EXPECT_EQ(values_of<Index>(read_as<std::uint64_t>("U64", {5})), std::vector<Index>{5});
}

TEST(Safetensors, ConversionGoesOnPastTheFirstChunk) {
  std::vector<std::uint16_t> halves(300'001, 0x3C00);
  halves.back() = 0x4000;
  const Tensor x = read_as("F16", halves);
  EXPECT_EQ(x.span<float>()[299'999], 1);
  EXPECT_EQ(x.span<float>()[300'000], 2);
}

TEST(Safetensors, RefusesNumbersWithoutCounterpart) {
  EXPECT_NE(
      outcome(foreign_file("F8_E4M3", "[1]", "a")).find("tensor 'x' holds F8_E4M3, for which"),
      std::string::npos);
  EXPECT_THROW(read_as<std::uint64_t>("C64", {0}), DtypeError);
  EXPECT_NE(outcome(foreign_file("U64", "[1]", std::string(8, '\xff'))).find("no int64"),
            std::string::npos);
  EXPECT_NE(outcome(foreign_file("BOOL", "[1]", "\x02")).find("neither 0 nor 1"),
            std::string::npos);
  EXPECT_NE(outcome(foreign_file("U8", "[1,1,1,1,1,1,1,1,1]", "a")).find("has 9 dimensions"),
            std::string::npos);
}

TEST(Safetensors, ReadsUnalignedAndUnpaddedFiles) {
  const std::string json = R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(json.size());
  ASSERT_NE(json.size() % 4, 0U);
  EXPECT_EQ(outcome(bytes + json + std::string("\0\0\x80\x3f", 4)), "loaded");
}

TEST(Safetensors, Bug45NeverReadsAWrongFileByTruncation) {
  const std::string whole = written(small_file());
  TemporaryFolder folder;
  TensorFile loaded;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::string text = outcome(folder / "f", whole.substr(0, length), &loaded);
    ASSERT_NE(text, "loaded") << length;
    ASSERT_NE(text.find(folder / "f"), std::string::npos) << text;
  }
  EXPECT_EQ(outcome(folder / "f", whole, &loaded), "loaded");
  EXPECT_NE(outcome(folder / "f", whole + '\0', &loaded).find("something was appended"),
            std::string::npos);
}

TEST(Safetensors, Bug45FindsEveryFlippedBit) {
  const std::string whole = written(small_file());
  TemporaryFolder folder;
  int loads = 0;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    TensorFile loaded;
    if (outcome(folder / "f", damaged, &loaded) != "loaded") continue;
    ++loads;
    ASSERT_TRUE(same(loaded, small_file())) << "bit " << bit << " changed the content unseen";
  }
  EXPECT_LT(loads, 16) << "only a change of spacing may go unnoticed";
}

TEST(Safetensors, WithoutChecksumsAFlippedBitNeverCrashes) {
  const std::string whole = foreign_file("F32", "[2,3]", std::string(24, 'a'));
  TemporaryFolder folder;
  TensorFile loaded;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    outcome(folder / "f", damaged, &loaded);
  }
}

TEST(Safetensors, SaysWhichTensorIsDamaged) {
  std::string bytes = written(small_file());
  bytes.back() = static_cast<char>(bytes.back() ^ 1);  // bools lie last
  EXPECT_NE(outcome(bytes).find("damaged: the checksum of tensor 'mask' does not fit"),
            std::string::npos);
  std::string renamed = written(small_file());
  renamed[renamed.find("weight")] = 'v';
  EXPECT_NE(outcome(renamed).find("damaged: the checksum of the header does not fit"),
            std::string::npos);
}

TEST(Safetensors, FilesThatAreNoneAreRefusedByName) {
  TemporaryFolder folder;
  TensorFile ignored;
  const auto refusal = [](const std::string& path) {
    try {
      load_tensors(path);
    } catch (const FileError& error) {
      return std::string(error.what());
    }
    return std::string("loaded");
  };
  EXPECT_EQ(refusal(folder / "none"),
            "load_tensors '" + (folder / "none") + "': cannot open it, No such file or directory");
  EXPECT_NE(refusal(folder / "").find("no regular file"), std::string::npos);
  EXPECT_NE(refusal("/dev/zero").find("no regular file"), std::string::npos);
  EXPECT_NE(outcome("To be, or not to be: that is the question").find("of another kind"),
            std::string::npos);
}

TEST(Safetensors, ARefusedFileIsClosedAgain) {
  const auto open_files = [] {
    std::ptrdiff_t count = 0;
    for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator("/proc/self/fd")) {
      ++count;
    }
    return count;
  };
  TemporaryFolder folder;
  const auto before = open_files();
  EXPECT_THROW(load_tensors(folder / ""), FileError);
  EXPECT_EQ(outcome("no model").substr(0, 11), "safetensors");
  EXPECT_EQ(open_files(), before);
}

TEST(Safetensors, SavingRefusesWhatItCannotKeep) {
  TemporaryFolder folder;
  TensorFile file;
  file.tensors["x"] = Tensor();
  EXPECT_THROW(save_tensors(folder / "f", file), ValueError);
  file.tensors["x"] = Tensor::shape_only({{2}, float32});
  EXPECT_THROW(save_tensors(folder / "f", file), ValueError);
  file.tensors.clear();
  file.metadata["rewind.crc32"] = "0";
  EXPECT_THROW(save_tensors(folder / "f", file), ValueError);
  EXPECT_TRUE(folder.names().empty());
}

TEST(Safetensors, ReadsTheGoldenFilesThatAnotherWriterMade) {
  const TensorFile file = load_tensors(test::tests_file("golden/lstm.safetensors"));
  EXPECT_FALSE(file.tensors.empty());
  EXPECT_EQ(file.tensors.begin()->second.dtype(), float64);
}

}  // namespace
}  // namespace rw
