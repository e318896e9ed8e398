// Models through files: what must come back, and the list of what does not fit.
#include "rewind/io/model_file.h"

#include <gtest/gtest.h>

#include "rewind/tensor/creation.h"
#include "support/temporary_folder.h"

namespace rw {
namespace {

using test::TemporaryFolder;

struct Affine2 {
  Parameter weight, bias;
  explicit Affine2(double start) : weight(full({2, 3}, start)), bias(full({3}, start + 1)) {}
  static void members(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("bias", self.bias);
  }
};

struct Net {
  std::vector<Affine2> layers;
  Tensor mean;
  explicit Net(double start) : mean(full({2}, start, float64)) {
    layers.emplace_back(start);
    layers.emplace_back(start + 10);
  }
  static void members(auto& self, auto&& visit) {
    visit("layers", self.layers);
    visit("mean", self.mean);
  }
};

struct Tied {
  Parameter embed, head;
  explicit Tied(double start) : embed(full({2}, start)), head(embed.tie()) {}
  static void members(auto& self, auto&& visit) {
    visit("embed", self.embed);
    visit("head", self.head);
  }
};

float first_of(const Parameter& parameter) { return parameter.value().span<float>()[0]; }

std::map<std::string, Tensor> tensors_of(const Net& net) { return nn::named_tensors(net); }

std::string refusal(Net& net, const std::map<std::string, Tensor>& tensors,
                    const LoadOptions& options = {}) {
  try {
    assign_tensors(slots_of(net), tensors, options, "f");
  } catch (const Error& error) {
    return error.what();
  }
  return "loaded";
}

TEST(ModelFile, ParametersAndBuffersComeBack) {
  TemporaryFolder folder;
  save_model(folder / "f", Net(1), {{"kind", "net"}});
  Net loaded(5);
  const LoadReport report = load_model(folder / "f", loaded);
  EXPECT_TRUE(report.missing.empty() && report.unexpected.empty());
  EXPECT_EQ(first_of(loaded.layers[1].weight), 11);
  EXPECT_EQ(first_of(loaded.layers[0].bias), 2);
  EXPECT_EQ(loaded.mean.span<double>()[1], 1);
  EXPECT_EQ(load_tensors(folder / "f").metadata.at("kind"), "net");
}

TEST(ModelFile, ListsAllThatDoesNotFitAndChangesNothing) {
  auto tensors = tensors_of(Net(1));
  tensors.erase("layers.0.bias");
  tensors["extra"] = zeros({1});
  tensors["layers.1.weight"] = zeros({3, 2});
  tensors["mean"] = zeros({2});
  Net net(5);
  EXPECT_EQ(
      refusal(net, tensors),
      "load_model 'f': the weights do not fit the model; 'layers.1.weight' is float32 [3, 2] "
      "in the file, float32 [2, 3] in the model; 'mean' is float32 [2] in the file, float64 "
      "[2] in the model; 1 missing in the file: 'layers.0.bias'; 1 in the file only: 'extra'");
  EXPECT_EQ(first_of(net.layers[0].weight), 5);
}

TEST(ModelFile, WithoutStrictTheRestIsLoadedAndReported) {
  auto tensors = tensors_of(Net(1));
  tensors.erase("layers.0.bias");
  tensors["extra"] = zeros({1});
  Net net(5);
  const auto report = assign_tensors(slots_of(net), tensors, {.strict = false}, "f");
  EXPECT_EQ(report.missing, std::vector<std::string>{"layers.0.bias"});
  EXPECT_EQ(report.unexpected, std::vector<std::string>{"extra"});
  EXPECT_EQ(first_of(net.layers[0].weight), 1);
  EXPECT_EQ(first_of(net.layers[0].bias), 6);
  tensors["mean"] = zeros({3}, float64);
  EXPECT_NE(refusal(net, tensors, {.strict = false}).find("'mean' is float64 [3]"),
            std::string::npos);
}

TEST(ModelFile, NamesOfOthersAreRenamed) {
  std::map<std::string, Tensor> theirs{{"optimizer", zeros({1})}};
  for (const auto& [name, tensor] : tensors_of(Net(1))) theirs["module." + name] = tensor;
  Net net(5);
  const auto strip = [](const std::string& name) {
    return name.starts_with("module.") ? name.substr(7) : std::string();
  };
  EXPECT_EQ(refusal(net, theirs, {.rename = strip}), "loaded");
  EXPECT_EQ(first_of(net.layers[1].bias), 12);
  const auto all_alike = [](const std::string&) { return std::string("mean"); };
  EXPECT_NE(refusal(net, theirs, {.rename = all_alike}).find(".rename gives 'mean'"),
            std::string::npos);
}

TEST(ModelFile, LongListsAreCut) {
  std::map<std::string, Tensor> tensors = tensors_of(Net(1));
  for (int i = 0; i < 30; ++i) tensors[fmt::format("x{}", i)] = zeros({1});
  Net net(5);
  const std::string text = refusal(net, tensors);
  EXPECT_NE(text.find("30 in the file only: 'x0', 'x1', 'x10'"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with(", ...")) << text;
}

TEST(ModelFile, Bug36TiedWeightsAreSavedOnceAndStayTied) {
  TemporaryFolder folder;
  save_model(folder / "f", Tied(1));
  EXPECT_EQ(load_tensors(folder / "f").tensors.size(), 1U);
  Tied loaded(5);
  load_model(folder / "f", loaded);
  EXPECT_EQ(first_of(loaded.head), 1);
  EXPECT_TRUE(loaded.head.is_tied_to(loaded.embed));
}

TEST(ModelFile, Bug36TiedNamesInAFileMustAgree) {
  Tied model(5);
  assign_tensors(slots_of(model), {{"embed", full({2}, 3)}, {"head", full({2}, 3)}}, {}, "f");
  EXPECT_EQ(first_of(model.head), 3);
  assign_tensors(slots_of(model), {{"head", full({2}, 4)}}, {}, "f");
  EXPECT_EQ(first_of(model.embed), 4);
  EXPECT_THROW(
      assign_tensors(slots_of(model), {{"embed", full({2}, 1)}, {"head", full({2}, 2)}}, {}, "f"),
      FileError);
  EXPECT_THROW(assign_tensors(slots_of(model), {}, {}, "f"), FileError);
}

}  // namespace
}  // namespace rw
