// What the walk over a model's members meets, and what is done with it.
#include "rewind/nn/members.h"

#include <gtest/gtest.h>

#include "rewind/autograd/tape.h"
#include "rewind/nn/parameters.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"
#include "support/elements.h"

namespace rw {
namespace {

Tensor number(double value) { return scalar(value, float64); }

struct Layer {
  Parameter weight{number(1)};
  Tensor mean = number(0);
  Tensor operator()(const Tensor& x) const { return weight * x - mean; }
  static void members(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("mean", self.mean);
  }
};

struct Holders {
  std::vector<Layer> stack{2};
  std::array<Parameter, 2> pair{Parameter(number(3)), Parameter(number(4))};
  std::optional<Parameter> absent;
  std::optional<Parameter> present{number(5)};
  std::unique_ptr<Layer> pointed = std::make_unique<Layer>();
  std::vector<std::unique_ptr<Layer>> none{1};
  Parameter holds_nothing;
  static void members(auto& self, auto&& visit) {
    visit("stack", self.stack);
    visit("pair", self.pair);
    visit("absent", self.absent);
    visit("present", self.present);
    visit("pointed", self.pointed);
    visit("none", self.none);
    visit("holds_nothing", self.holds_nothing);
  }
};

struct Stack {
  std::vector<Layer> layers;
  static void members(auto& self, auto&& visit) { visit("layers", self.layers); }
};

struct Renaming {  // names its cell's leaves after the layer they are in
  Layer cell;
  static void members(auto& self, auto&& visit) {
    nn::for_each_member(
        self.cell, [&](const std::string& path, auto& leaf) { visit(path + "_l0_reverse", leaf); });
  }
};

struct Wrapped {
  Layer inner;
  static void members(auto& self, auto&& visit) { visit("", self.inner); }
};

struct Tied {
  Parameter first{number(2)};
  Layer second;
  Tied() { second.weight = first.tie(); }
  static void members(auto& self, auto&& visit) {
    visit("first", self.first);
    visit("second", self.second);
  }
};

struct Twins {
  Parameter a{number(1)}, b{number(2)};
  static void members(auto& self, auto&& visit) {
    visit("same", self.a);
    visit("same", self.b);
  }
};

static_assert(nn::Module<Layer> && nn::Module<const Layer>);
static_assert(!nn::Module<double> && !nn::Module<Parameter>);
static_assert(!nn::members_internal::is_member<double>());
static_assert(!nn::members_internal::is_member<std::vector<double>>());
static_assert(!nn::members_internal::is_member<std::shared_ptr<Layer>>());
static_assert(nn::members_internal::is_member<std::vector<std::optional<Layer>>>());

std::vector<std::string> paths(auto& model) {
  std::vector<std::string> all;
  nn::for_each_member(model, [&](const std::string& path, auto&) { all.push_back(path); });
  return all;
}

using Strings = std::vector<std::string>;

TEST(Members, AreWalkedThroughEveryHolder) {
  Holders model;
  EXPECT_EQ(paths(model),
            (Strings{"stack.0.weight", "stack.0.mean", "stack.1.weight", "stack.1.mean", "pair.0",
                     "pair.1", "present", "pointed.weight", "pointed.mean"}));
}

TEST(Members, OfAConstModelAreConst) {
  const Holders model;
  int leaves = 0;
  nn::for_each_member(model, [&]<class T>(const std::string&, T&) {
    static_assert(std::is_const_v<T>);
    leaves++;
  });
  EXPECT_EQ(leaves, 9);
}

TEST(Members, MayComeWithCompleteNames) {
  Renaming model;
  EXPECT_EQ(paths(model), (Strings{"weight_l0_reverse", "mean_l0_reverse"}));
  Wrapped wrapped;
  EXPECT_EQ(paths(wrapped), (Strings{"weight", "mean"}));
}

TEST(Members, AreTheOnesOfTheModelItself) {
  Holders model;
  nn::for_each_parameter(model, [](const std::string&, Parameter& p) { p.value() = number(7); });
  EXPECT_EQ(model.stack[1].weight.value().item(), 7);
  EXPECT_EQ(model.pointed->weight.value().item(), 7);
  nn::for_each_buffer(model, [](const std::string&, Tensor& x) { x = number(8); });
  EXPECT_EQ(model.stack[0].mean.item(), 8);
}

TEST(Parameters, AreTiesAndLearnTheirPaths) {
  Holders model;
  const std::vector<Parameter> all = nn::parameters(model);
  ASSERT_EQ(all.size(), 6u);
  EXPECT_TRUE(all[1].is_tied_to(model.stack[1].weight));
  EXPECT_EQ(model.stack[1].weight.name(), "stack.1.weight");
  nn::parameters(model.stack[1]);
  EXPECT_EQ(model.stack[1].weight.name(), "stack.1.weight");
  Layer moved(model.stack[1]);
  Wrapped other{Layer(moved)};
  other.inner.weight.set_name("elsewhere");
  nn::parameters(other);
  EXPECT_EQ(other.inner.weight.name(), "weight");
}

TEST(Parameters, TiedOnesComeOnce) {
  Tied model;
  EXPECT_EQ(nn::parameters(model).size(), 1u);
  EXPECT_EQ(nn::named_parameters(model)[0].name, "first");
  EXPECT_EQ(nn::count(model), 1);
  EXPECT_EQ(nn::named_tensors(model).size(), 2u);  // and the buffer
}

TEST(Parameters, WithOnePathForTwoAreRefused) {
  Twins model;
  EXPECT_ERROR(nn::named_tensors(model), ValueError,
               "members: two members have the path 'same'; give each its own name in `members`");
}

TEST(Parameters, OfACopyAreIndependentAndTiedAgainOnRequest) {
  Tied model;
  Tied copy(model);
  EXPECT_FALSE(copy.first.is_tied_to(model.first));
  EXPECT_FALSE(copy.first.is_tied_to(copy.second.weight));
  nn::retie(copy, model);
  EXPECT_TRUE(copy.first.is_tied_to(copy.second.weight));
  EXPECT_FALSE(copy.first.is_tied_to(model.first));
}

TEST(Parameters, AreConvertedInPlaceWithFloatBuffers) {
  Tied model;
  model.second.mean = zeros({2}, int64);
  const Parameter held = model.first.tie();
  nn::to(model, float32);
  EXPECT_EQ(held.spec(), (Spec{{}, float32}));
  EXPECT_TRUE(model.second.weight.is_tied_to(held));
  EXPECT_EQ(model.second.mean.dtype(), int64);
  nn::to(model, float64);
  EXPECT_EQ(model.first.value().item(), 2);
  EXPECT_ERROR(nn::to(model, int64), DtypeError,
               "to: a model holds float32 or float64, not int64; buffers of other dtypes stay as "
               "they are");
}

TEST(Parameters, CannotBeTiedAsThoseOfAnotherModelAre) {
  Stack one{std::vector<Layer>(1)}, two{std::vector<Layer>(2)};
  EXPECT_ERROR(nn::retie(one, two), ValueError,
               "retie: the copy has 1 parameters and the original 2; they are not of one model");
}

TEST(MapParameters, GivesAModelThatLeadsBackToTheFirst) {
  Layer model;
  Tape tape;
  const Layer mapped = nn::map_parameters(model, [](const Parameter& p) { return p * 3; });
  const Gradients gradients = tape.backward(mapped(number(5)));
  EXPECT_DOUBLE_EQ(gradients[model.weight].item(), 15);
}

TEST(MapParameters, KeepsTiesAndFrozenOnesAndHandsOutPaths) {
  Tied model;
  model.first.freeze();
  Strings seen;
  const Tied mapped = nn::map_parameters(model, [&](const Tensor& w, const std::string& path) {
    seen.push_back(path);
    return w + 1;
  });
  EXPECT_EQ(seen, Strings{"first"});
  EXPECT_TRUE(mapped.first.is_tied_to(mapped.second.weight));
  EXPECT_TRUE(mapped.first.frozen());
  EXPECT_EQ(mapped.first.value().item(), 3);
  EXPECT_EQ(model.first.value().item(), 2);
}

// The loss after one step of descent, differentiated through the step: for loss = (w x)^2 with
// x = 2 and rate 0.1 the step is w - 0.8 w, the loss 4 (0.2 w)^2, its derivative 0.32 w.
TEST(MapParameters, CarriesSecondOrderStepsOfMetaLearning) {
  Layer model;
  const auto loss = [](const Layer& layer) {
    const Tensor y = layer(number(2));
    return y * y;
  };
  Tape tape;
  const Gradients inner = tape.backward(loss(model), {.record = true});
  const Layer adapted =
      nn::map_parameters(model, [&](const Parameter& p) { return p - 0.1 * inner[p]; });
  const Gradients outer = tape.backward(loss(adapted));
  EXPECT_NEAR(outer[model.weight].item(), 0.32, 1e-12);
}

// Two such steps leave 0.04 w: the loss is 4 (0.04 w)^2, its derivative 0.0128 w.
TEST(MapParameters, CarriesSeveralStepsWhenWhatEachComputesIsWatched) {
  Layer model;
  const auto loss = [](const Layer& layer) {
    const Tensor y = layer(number(2));
    return y * y;
  };
  Tape tape;
  const auto step = [&](const Layer& from) {
    const Gradients g = tape.backward(loss(from), {.record = true});
    return nn::map_parameters(from, [&](const Parameter& p) { return tape.watch(p - 0.1 * g[p]); });
  };
  const Gradients outer = tape.backward(loss(step(step(model))));
  EXPECT_NEAR(outer[model.weight].item(), 0.0128, 1e-12);
}

}  // namespace
}  // namespace rw
