// What the output layer with its loss as one operation computes and keeps: no more than is wanted.
#include <fstream>
#include <functional>

#include "nn/loss/linear_layer_case.h"
#include "rewind/tensor/memory.h"
#include "support/sanitized.h"

namespace rw {
namespace {

using nn::Reduction;
using test::Given;
using test::wave;

// The sizes of the gradients that the operation gave, by kind.
struct GradientsMade final : Interpreter {
  std::vector<Index> sizes;
  void run(Call& call) override {
    hand_down(call);
    if (call.type.name != "linear_cross_entropy") return;
    for (std::size_t i = 2; i < 5; i++) sizes.push_back(call.outputs[i].size());
  }
};

std::vector<Index> gradients_made(const std::function<Tensor()>& loss) {
  GradientsMade made;
  {
    Tape tape;
    const Parameter anything(ones({}, float64), "anything");
    tape.backward(sum(loss()) * anything);
  }
  return made.sizes;
}

TEST(LinearCrossEntropy, ComputesNoGradientThatNobodyWants) {
  const Given g(6, 3, 5);
  const auto loss = [&](const Tensor& x, const Tensor& w, const Tensor& b,
                        Reduction reduction = Reduction::mean) {
    return nn::linear_cross_entropy(x, w, b, g.targets, {.reduction = reduction});
  };
  const Tensor x = wave({6, 3}), w = wave({5, 3}), b = wave({5});
  using Sizes = std::vector<Index>;
  EXPECT_EQ(gradients_made([&] { return loss(g.x, g.weight, g.bias); }), (Sizes{18, 15, 5}));
  EXPECT_EQ(gradients_made([&] { return loss(g.x, w, b); }), (Sizes{18, 0, 0}));
  EXPECT_EQ(gradients_made([&] { return loss(x, g.weight, b); }), (Sizes{0, 15, 0}));
  EXPECT_EQ(gradients_made([&] { return loss(x, w, g.bias); }), (Sizes{0, 0, 5}));
  EXPECT_EQ(gradients_made([&] { return loss(x, w, b); }), (Sizes{0, 0, 0}));
  EXPECT_EQ(gradients_made([&] { return loss(g.x, w, g.bias, Reduction::none); }),
            (Sizes{0, 0, 0, 18, 0, 5}));
}

// A gradient of the weight for each step of time would take more memory than the logits.
TEST(LinearCrossEntropy, KeepsNoGradientOfTheWeightForFewRows) {
  const Given few(2, 9, 5);
  EXPECT_EQ(gradients_made([&] { return few.fused(); }), (std::vector<Index>{0, 0, 0, 18, 45, 5}));
}

// What the tape keeps for a rewind, in elements of 8 bytes.
std::size_t kept_by(const std::function<Tensor()>& loss) {
  Tape tape;
  const Tensor first = tape.watch(ones({1})) * 2;  // the tape's own memory comes with it
  const std::size_t before = memory::bytes_in_use();
  const Tensor y = loss();
  return (memory::bytes_in_use() - before) / sizeof(double);
}

TEST(LinearCrossEntropy, KeepsGradientsInPlaceOfLogits) {
  constexpr Index kRows = 2000, kFeatures = 16, kClasses = 300;
  const Given given(kRows, kFeatures, kClasses);
  EXPECT_GE(kept_by([&] { return given.apart(); }), kRows * kClasses);
  const auto kept = static_cast<double>(kept_by([&] { return given.fused(); }));
  EXPECT_LE(kept, 1.25 * (kRows * (kFeatures + 3) + kClasses * (kFeatures + 1)));
}

double mebibytes_of_status(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field)) return std::stod(line.substr(field.size())) / 1024;
  }
  return 0;
}

// By how much the resident memory of this process grew at most.
double peak_mebibytes_of(const std::function<void()>& f) {
  memory::release_unused();
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak so far is forgotten
  const double before = mebibytes_of_status("VmRSS:");
  f();
  return mebibytes_of_status("VmHWM:") - before;
}

// The logits of 1600 rows are 61 MiB. (Sanitizers keep what was let go.)
TEST(LinearCrossEntropy, TakesHalfTheMemoryOfTheTwoOperations) {
  if (test::kSanitized) GTEST_SKIP();
  const Given given(1600, 64, 10000, float32);
  const auto step = [&](const auto& loss) {
    return peak_mebibytes_of([&] {
      Tape tape;
      tape.backward(loss());
    });
  };
  step([&] { return Given(2, 64, 10000, float32).apart(); });  // what BLAS takes at the first call
  const double fused = step([&] { return given.fused(); });
  const double apart = step([&] { return given.apart(); });
  EXPECT_GE(apart, 61);
  EXPECT_LE(fused, apart / 2);
}

}  // namespace
}  // namespace rw
