// A checkpoint gives back the whole state of a run, or says why not.
#include "rewind/io/checkpoint.h"

#include <gtest/gtest.h>

#include "io/temporary_folder.h"
#include "rewind/tensor/creation.h"

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
          .random = {~std::uint64_t{0}, std::uint64_t{1} << 63},
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
  EXPECT_EQ(state.random.seed, ~std::uint64_t{0});
  EXPECT_EQ(state.random.draw, std::uint64_t{1} << 63);
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

TEST(Checkpoint, ADescriptionThatLiesIsRefused) {
  const auto file = [](const std::string& text) {
    return TensorFile{.tensors = {}, .metadata = {{"rewind.checkpoint", text}}};
  };
  const std::string rest = R"("seed":1,"draw":1,"epoch":0,"batch":0})";
  EXPECT_EQ(refusal(file(R"({"version":1,"optimizers":0,)" + rest)), "loaded");
  EXPECT_NE(refusal(file(R"({"version":2,"optimizers":0,)" + rest)).find("version 2"),
            std::string::npos);
  EXPECT_NE(refusal(file(R"({"version":1,"optimizers":99999999999,)" + rest)).find("optimizers in"),
            std::string::npos);
  EXPECT_NE(refusal(file("{")).find("damaged: rewind.checkpoint reads '{'"), std::string::npos);
  EXPECT_NE(refusal(file("[]")).find("damaged"), std::string::npos);
  EXPECT_NE(refusal(file(R"({"version":1})")).find("damaged"), std::string::npos);
}

TEST(Checkpoint, ReservedNamesAreRefused) {
  EXPECT_THROW(pack_checkpoint({{"checkpoint/x", zeros({1})}}, {}), ValueError);
  EXPECT_THROW(pack_checkpoint({}, {.metadata = {{"rewind.checkpoint", "x"}}}), ValueError);
}

}  // namespace
}  // namespace rw
