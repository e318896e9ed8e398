// All losses against the values and gradients that PyTorch gives, in float64.
#include <nlohmann/json.hpp>

#include "nn/differences.h"
#include "rewind/io/safetensors.h"
#include "rewind/nn/loss.h"
#include "support/elements.h"
#include "support/paths.h"

namespace rw {
namespace {

using nlohmann::json;

const TensorFile& golden() {
  static const TensorFile file = load_tensors(test::tests_file("golden/losses.safetensors"));
  return file;
}

const Tensor& stored(const std::string& name) { return golden().tensors.at(name); }

nn::Reduction reduction_of(const json& options) {
  const std::string name = options.at("reduction");
  return name == "mean"  ? nn::Reduction::mean
         : name == "sum" ? nn::Reduction::sum
                         : nn::Reduction::none;
}

void expect_close(const Tensor& got, const Tensor& expected, const std::string& what) {
  ASSERT_EQ(got.spec(), expected.spec()) << what;
  const std::vector<double> a = elements(got), b = elements(expected);
  for (std::size_t i = 0; i < a.size(); i++) {
    EXPECT_NEAR(a[i], b[i], 1e-13 * std::max(1.0, std::abs(b[i]))) << what << ", number " << i;
  }
}

// Holds the loss `f` of x (and its gradients by x and by the targets, where PyTorch has them) to a
// case of the file.
template <class F>
void expect_case(const std::string& name, const Tensor& x, const Tensor& target,
                 const std::string& upstream, F&& f) {
  Tape tape;
  const Tensor watched = tape.watch(x);
  const Tensor watched_target = is_float(target.dtype()) ? tape.watch(target) : target;
  const Tensor loss = f(watched, watched_target);
  expect_close(loss, stored(name + ".loss"), name);
  const Tensor dy = loss.rank() == 0 ? ones({}, float64) : stored(upstream);
  const Gradients gradients = tape.backward({{loss, dy}});
  expect_close(gradients[watched], stored(name + ".grad"), name + ".grad");
  if (golden().tensors.contains(name + ".grad_targets")) {
    expect_close(gradients[watched_target], stored(name + ".grad_targets"), name + ".grad_targets");
  }
}

// Calls f(name, options) for the cases of one loss.
template <class F>
int for_each_case(const std::string& prefix, F&& f) {
  int cases = 0;
  for (const auto& [name, text] : golden().metadata) {
    if (!name.starts_with(prefix)) continue;
    f(name, json::parse(text));
    cases++;
  }
  return cases;
}

TEST(GoldenLosses, CrossEntropyIsPyTorchs) {
  const auto check = [](const std::string& name, const json& options) {
    const bool extreme = name.find(".extreme.") != std::string::npos;
    const bool ignoring = name.find(".ignoring.") != std::string::npos;
    const bool probable = name.find(".probability.") != std::string::npos;
    const std::string targets = ignoring   ? "targets_ignoring"
                                : probable ? "probabilities"
                                           : "targets";
    const nn::CrossEntropyOptions ours{
        .label_smoothing = options.value("label_smoothing", 0.0),
        .weight = options.contains("weight") ? stored("cross_entropy.weights") : Tensor(),
        .reduction = reduction_of(options)};
    expect_case(name, stored(extreme ? "cross_entropy.extreme.logits" : "cross_entropy.logits"),
                stored("cross_entropy." + targets), "cross_entropy.upstream",
                [&](const Tensor& x, const Tensor& t) { return nn::cross_entropy(x, t, ours); });
  };
  EXPECT_EQ(for_each_case("cross_entropy.", check), 38);
}

TEST(GoldenLosses, HuberIsPyTorchs) {
  const auto check = [](const std::string& name, const json& options) {
    const nn::HuberOptions ours{.delta = options.at("delta"), .reduction = reduction_of(options)};
    expect_case(name, stored("huber.prediction"), stored("huber.target"), "huber.upstream",
                [&](const Tensor& x, const Tensor& t) { return nn::huber(x, t, ours); });
  };
  EXPECT_EQ(for_each_case("huber.", check), 6);
}

TEST(GoldenLosses, BinaryCrossEntropyIsPyTorchs) {
  const auto check = [](const std::string& name, const json& options) {
    expect_case(name, stored("bce.logits"), stored("bce.targets"), "bce.upstream",
                [&](const Tensor& x, const Tensor& t) {
                  return nn::binary_cross_entropy_with_logits(x, t,
                                                              {.reduction = reduction_of(options)});
                });
  };
  EXPECT_EQ(for_each_case("bce.", check), 3);
}

}  // namespace
}  // namespace rw
