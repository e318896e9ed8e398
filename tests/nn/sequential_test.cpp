// Layers one after the other, and activations as layers.
#include "rewind/nn/sequential.h"

#include "nn/differences.h"
#include "rewind/nn/activation.h"
#include "rewind/nn/dropout.h"
#include "rewind/nn/linear.h"
#include "rewind/nn/parameters.h"
#include "support/elements.h"

namespace rw {
namespace {

TEST(Sequential, AppliesItsLayersInOrder) {
  Rng rng(1);
  nn::Sequential model(nn::Linear(2, 3, rng, {.dtype = float64}), nn::Tanh{},
                       nn::Linear(3, 1, rng, {.dtype = float64}));
  const Tensor x = test::wave({4, 2});
  const Tensor expected = model.layer<2>()(tanh(model.layer<0>()(x)));
  EXPECT_EQ(elements(model(x)), elements(expected));
  test::expect_gradients([&] { return model(x); }, nn::parameters(model));
}

TEST(Sequential, NamesItsLayersByNumber) {
  Rng rng(1);
  nn::Sequential model(nn::Linear(2, 3, rng), nn::Relu{}, nn::Dropout(0.1),
                       nn::Sequential(nn::Linear(3, 1, rng, {.bias = false})));
  std::vector<std::string> names;
  for (const nn::NamedParameter& p : nn::named_parameters(model)) names.push_back(p.name);
  EXPECT_EQ(names, (std::vector<std::string>{"0.weight", "0.bias", "3.0.weight"}));
}

TEST(Sequential, IsAValue) {
  Rng rng(1);
  nn::Sequential model(nn::Linear(2, 2, rng));
  auto best = model;
  model.layer<0>().weight.value() = zeros({2, 2});
  EXPECT_NE(elements(best.layer<0>().weight.value()), std::vector<double>(4, 0));
}

TEST(Activations, AreTheFunctionsOfTheirNames) {
  const Tensor x = test::wave({7});
  EXPECT_EQ(elements(nn::Sigmoid{}(x)), elements(sigmoid(x)));
  EXPECT_EQ(elements(nn::Relu{}(x)), elements(relu(x)));
  EXPECT_EQ(elements(nn::Softplus{}(x)), elements(softplus(x)));
  EXPECT_EQ(elements(nn::Gelu{}(x)), elements(gelu(x)));
  EXPECT_EQ(elements(nn::Gelu{{.approximate = true}}(x)), elements(gelu(x, {.approximate = true})));
}

}  // namespace
}  // namespace rw
