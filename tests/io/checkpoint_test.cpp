// A checkpoint gives back the whole state of a run, or says why not.
#include "rewind/io/checkpoint.h"

#include <gtest/gtest.h>

#include "rewind/tensor/creation.h"
#include "support/temporary_folder.h"

namespace rw {
namespace {

using test::TemporaryFolder;

struct Model {
  Parameter weight;
  explicit Model(double start) : weight(full({2}, start)) {}
  static void members(auto& self, auto&& visit) { visit("weight", self.weight); }
};

TrainingState some_state() {
  return {.optimizers = {{{"adam.steps", full({}, 7, int64)}}, {}, {{"sgd.x/y", zeros({3})}}},
          .random = Rng(~std::uint64_t{0}, std::uint64_t{1} << 63),
          .position = {.epoch = 3, .batch = 120},
          .carried = {{"h.0", full({2, 4}, 0.5)}},
          .metadata = {{"note", "mine"}}};
}

std::string refusal(TensorFile file) {
  try {
    unpack_checkpoint(file, "f");
  } catch (const FileError& error) {
    return error.what();
  }
  return "loaded";
}

TEST(Checkpoint, Bug40EverythingComesBack) {
  TemporaryFolder folder;
  save_checkpoint(folder / "f", Model(1), some_state());
  Model model(5);
  const TrainingState state = load_checkpoint(folder / "f", model);
  EXPECT_EQ(model.weight.value().span<float>()[1], 1);
  ASSERT_EQ(state.optimizers.size(), 3U);
  EXPECT_EQ(state.optimizers[0].at("adam.steps").item(), 7);
  EXPECT_TRUE(state.optimizers[1].empty());
  EXPECT_EQ(state.optimizers[2].at("sgd.x/y").shape(), (Dims{3}));
  EXPECT_EQ(state.random, Rng(~std::uint64_t{0}, std::uint64_t{1} << 63));
  EXPECT_EQ(state.position, (DataPosition{3, 120}));
  EXPECT_EQ(state.carried.at("h.0").span<float>()[7], 0.5);
  EXPECT_EQ(state.metadata, (std::map<std::string, std::string>{{"note", "mine"}}));
}

TEST(Checkpoint, Bug40SavingWhatWasLoadedGivesTheSameBytes) {
  TemporaryFolder folder;
  save_checkpoint(folder / "first", Model(1), some_state());
  Model model(5);
  const TrainingState state = load_checkpoint(folder / "first", model);
  save_checkpoint(folder / "second", model, state);
  EXPECT_EQ(test::content_of(folder / "first"), test::content_of(folder / "second"));
}

TEST(Checkpoint, IsAModelFileToo) {
  TemporaryFolder folder;
  save_checkpoint(folder / "f", Model(1), some_state());
  Model model(5);
  load_model(folder / "f", model);
  EXPECT_EQ(model.weight.value().span<float>()[0], 1);
}

TEST(Checkpoint, AModelFileIsNone) {
  TemporaryFolder folder;
  save_model(folder / "f", Model(1));
  Model model(5);
  try {
    load_checkpoint(folder / "f", model);
    FAIL() << "nothing was thrown";
  } catch (const FileError& error) {
    EXPECT_NE(std::string(error.what()).find("no checkpoint; load_model takes"), std::string::npos);
  }
  EXPECT_EQ(model.weight.value().span<float>()[0], 5);
}

// A file whose description has one number replaced.
TensorFile with_number(const std::string& key, const std::string& number) {
  std::map<std::string, std::string> numbers = {{"version", "1"}, {"optimizers", "0"},
                                                {"seed", "1"},    {"draw", "1"},
                                                {"epoch", "0"},   {"batch", "0"}};
  numbers[key] = number;
  std::string text;
  for (const auto& [name, value] : numbers) {
    text += fmt::format("{}\"{}\":{}", text.empty() ? "{" : ",", name, value);
  }
  return {.tensors = {}, .metadata = {{"rewind.checkpoint", text + "}"}}};
}

TEST(Checkpoint, ADescriptionThatIsNoneIsRefused) {
  for (const std::string text : {"{", "[]", "1", "{}", R"({"version":1})"}) {
    const TensorFile file{.tensors = {}, .metadata = {{"rewind.checkpoint", text}}};
    EXPECT_EQ(refusal(file),
              "load_checkpoint 'f': damaged: rewind.checkpoint reads '" + text + "'");
  }
}

TEST(Checkpoint, NumbersThatCannotBeAreRefused) {
  EXPECT_EQ(refusal(with_number("epoch", "3")), "loaded");
  EXPECT_EQ(refusal(with_number("seed", "18446744073709551615")), "loaded");
  EXPECT_EQ(refusal(with_number("version", "2")),
            "load_checkpoint 'f': version 2 of the format, this program knows 1");
  EXPECT_EQ(refusal(with_number("batch", "-1")),
            "load_checkpoint 'f': damaged: batch is '-1'; it must be a whole number from 0 to "
            "9223372036854775807");
  for (const std::string key : {"version", "optimizers", "seed", "draw", "epoch", "batch"}) {
    for (const std::string number :
         {"-1", "1.5", "1.0", "1e300", "true", "null", "\"1\"", "[1]", "18446744073709551616"}) {
      const std::string text = refusal(with_number(key, number));
      EXPECT_NE(text.find("damaged: " + key + " is '"), std::string::npos)
          << key << " " << number << ": " << text;
    }
  }
  EXPECT_NE(refusal(with_number("epoch", "9223372036854775808")).find("epoch is"),
            std::string::npos);
  EXPECT_NE(refusal(with_number("optimizers", "99999999999")).find("from 0 to 10000"),
            std::string::npos);
}

TEST(Checkpoint, OptimizersWithNothingToRememberCount) {
  TensorFile file = pack_checkpoint({}, {.optimizers = {{}, {}, {}}});
  EXPECT_EQ(unpack_checkpoint(file, "f").optimizers.size(), 3U);
}

TEST(Checkpoint, PartsThatNobodyAskedForAreRefused) {
  for (const std::string name : {"optimizer.1/x", "optimizer.01/x", "carry/x", "carried", ""}) {
    TensorFile file = pack_checkpoint({}, {.optimizers = {{{"x", zeros({1})}}}});
    file.tensors["checkpoint/" + name] = zeros({1});
    EXPECT_EQ(refusal(file), "load_checkpoint 'f': 'checkpoint/" + name +
                                 "' belongs to no part of a checkpoint with 1 optimizers, nor do 0 "
                                 "others");
  }
}

TEST(Checkpoint, APositionBeforeTheBeginningIsNotSaved) {
  EXPECT_THROW(pack_checkpoint({}, {.position = {.epoch = -1}}), ValueError);
  EXPECT_THROW(pack_checkpoint({}, {.position = {.batch = -1}}), ValueError);
}

TEST(Checkpoint, ReservedNamesAreRefused) {
  EXPECT_THROW(pack_checkpoint({{"checkpoint/x", zeros({1})}}, {}), ValueError);
  EXPECT_THROW(pack_checkpoint({}, {.metadata = {{"rewind.checkpoint", "x"}}}), ValueError);
}

}  // namespace
}  // namespace rw
