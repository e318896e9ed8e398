// Ten steps of each optimizer, as PyTorch takes them.
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "optim/given.h"
#include "rewind/io/safetensors.h"
#include "rewind/optim/adam.h"
#include "rewind/optim/rmsprop.h"
#include "rewind/optim/sgd.h"
#include "support/paths.h"

namespace rw::optim {
namespace {

std::unique_ptr<Optimizer> make(const nlohmann::json& o, std::vector<Parameter> parameters) {
  const std::string kind = o.at("class");
  const double rate = o.at("lr"), decay = o.value("weight_decay", 0.0);
  if (kind == "SGD") {
    return std::make_unique<SGD>(std::move(parameters),
                                 SGDOptions{.learning_rate = rate,
                                            .momentum = o.value("momentum", 0.0),
                                            .nesterov = o.value("nesterov", false),
                                            .weight_decay = decay});
  }
  if (kind == "RMSprop") {
    return std::make_unique<RMSprop>(std::move(parameters),
                                     RMSpropOptions{.learning_rate = rate,
                                                    .alpha = o.at("alpha"),
                                                    .epsilon = o.at("eps"),
                                                    .momentum = o.value("momentum", 0.0),
                                                    .centered = o.value("centered", false),
                                                    .weight_decay = decay});
  }
  const double beta1 = o.at("betas")[0], beta2 = o.at("betas")[1], epsilon = o.at("eps");
  if (kind == "Adam") {
    return std::make_unique<Adam>(std::move(parameters), AdamOptions{.learning_rate = rate,
                                                                     .beta1 = beta1,
                                                                     .beta2 = beta2,
                                                                     .epsilon = epsilon,
                                                                     .weight_decay = decay});
  }
  EXPECT_EQ(kind, "AdamW");
  return std::make_unique<AdamW>(std::move(parameters), AdamWOptions{.learning_rate = rate,
                                                                     .beta1 = beta1,
                                                                     .beta2 = beta2,
                                                                     .epsilon = epsilon,
                                                                     .weight_decay = decay});
}

std::span<const double> step_of(const Tensor& path, Index step) {
  const auto size = static_cast<std::size_t>(path.size() / path.dim(0));
  return path.span<double>().subspan(static_cast<std::size_t>(step) * size, size);
}

void expect_near(std::span<const double> actual, std::span<const double> expected,
                 const std::string& where) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); i++) {
    EXPECT_NEAR(actual[i], expected[i], 1e-10 * std::max(1.0, std::abs(expected[i])))
        << where << ", element " << i;
  }
}

TEST(Optimizers, TakeTheSameStepsAsPyTorch) {
  const TensorFile file = load_tensors(test::tests_file("golden/optimizers.safetensors"));
  const auto& tensors = file.tensors;
  int cases = 0;
  for (const auto& [name, text] : file.metadata) {
    if (!tensors.contains(name + ".weight")) continue;
    cases++;
    const nlohmann::json options = nlohmann::json::parse(text);
    const Parameter weight(tensors.at("initial.weight"), "weight");
    const Parameter bias(tensors.at("initial.bias"), "bias");
    const auto optimizer = make(options, list(weight, bias));
    for (Index t = 0; t < 10; t++) {
      if (t == 5 && options.contains("then")) {
        optimizer->set_learning_rate(options["then"].at("lr"));
      }
      Gradients gradients;
      give(gradients, weight, from_span(step_of(tensors.at("gradients.weight"), t), {2, 3}));
      give(gradients, bias, from_span(step_of(tensors.at("gradients.bias"), t), {3}));
      optimizer->step(gradients);
      const std::string where = fmt::format("{} after step {}", name, t);
      expect_near(weight.value().span<double>(), step_of(tensors.at(name + ".weight"), t), where);
      expect_near(bias.value().span<double>(), step_of(tensors.at(name + ".bias"), t), where);
    }
  }
  EXPECT_GE(cases, 19);
}

}  // namespace
}  // namespace rw::optim
