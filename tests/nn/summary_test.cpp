// The printed table.
#include "rewind/nn/summary.h"

#include <gtest/gtest.h>

#include "rewind/tensor/creation.h"

namespace rw {
namespace {

struct Model {
  Parameter embed{zeros({65, 16})}, head, scale{zeros({1}, float64)};
  Tensor mean = zeros({16});
  Model() { head = embed.tie(); }
  static void members(auto& self, auto&& visit) {
    visit("embed", self.embed);
    visit("head", self.head);
    visit("scale", self.scale);
    visit("mean", self.mean);
  }
};

struct Nothing {
  static void members(auto&, auto&&) {}
};

TEST(Summary, ShowsEveryMemberAndCountsEachParameterOnce) {
  Model model;
  model.scale.freeze();
  EXPECT_EQ(nn::summary(model),
            "name   shape     dtype    count\n"
            "embed  [65, 16]  float32  1 040\n"
            "head   [65, 16]  float32          tied to embed\n"
            "scale  [1]       float64      1   frozen\n"
            "mean   [16]      float32     16   buffer\n"
            "1 041 parameters (1 040 trained), 4.07 KiB\n");
}

TEST(Summary, OfNothingIsTheHead) {
  EXPECT_EQ(nn::summary(Nothing{}), "name  shape  dtype  count\n0 parameters, 0 B\n");
}

TEST(Summary, GroupsLargeNumbers) {
  const nn::SummaryRow row{"w", {{1234, 1000}, float32}, 1, false};
  EXPECT_EQ(nn::summary_of({row}),
            "name  shape         dtype        count\n"
            "w     [1234, 1000]  float32  1 234 000\n"
            "1 234 000 parameters, 4.71 MiB\n");
}

}  // namespace
}  // namespace rw
