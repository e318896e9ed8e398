// Our recurrent layers against PyTorch's, value by value and gradient by gradient: two layers, both
// directions, lengths, initial states. The files and what is in them: tests/golden/README.md.
#include <gtest/gtest.h>

#include "rewind/io/safetensors.h"
#include "rewind/nn/elman.h"
#include "rewind/nn/gru.h"
#include "rewind/nn/lstm.h"
#include "rewind/nn/parameters.h"
#include "rewind/nn/recurrent.h"
#include "support/compare.h"
#include "support/paths.h"

namespace rw {
namespace {

struct Golden {
  std::map<std::string, Tensor> values;
  Dtype dtype;
  double tolerance;  // relative to the largest element

  Golden(const std::string& name, Dtype type)
      : values(load_tensors(test::tests_file("golden/" + name + ".safetensors")).tensors),
        dtype(type),
        tolerance(type == float64 ? 1e-10 : 1e-5) {}

  bool has(const std::string& name) const { return values.contains(name); }
  Tensor get(const std::string& name) const { return cast(values.at(name), dtype); }
  Lengths lengths() const {
    if (!has("lengths")) return {};
    const auto all = values.at("lengths").span<Index>();
    return Lengths(all.begin(), all.end());
  }
  void expect(const std::string& name, const Tensor& actual) const {
    EXPECT_LE(largest_difference(actual, values.at(name)), tolerance) << name;
  }
};

// h and c of one layer and direction, out of PyTorch's [layers * directions, batch, hidden].
Tensor make_state(const Tensor&, const std::vector<Tensor>& parts) { return parts[0]; }
nn::LSTMCell::State make_state(const nn::LSTMCell::State&, const std::vector<Tensor>& parts) {
  return {parts[0], parts[1]};
}

template <class C, class Make>
void compare(const std::string& name, Dtype dtype, Make make) {
  const Golden golden(name, dtype);
  const bool whole = golden.has("param.weight_ih_l1");
  nn::Recurrent<C> layer(make, {.input = golden.get("x").dim(2),
                                .hidden = golden.get("param.weight_hh_l0").dim(1),
                                .layers = whole ? 2 : 1,
                                .bidirectional = whole});
  nn::for_each_parameter(layer, [&](const std::string& path, Parameter& p) {
    p.value() = golden.get("param." + path);
  });

  Tape tape;
  const Tensor x = tape.watch(golden.get("x"));
  std::vector<Tensor> starts;
  for (const char* part : {"h0", "c0"}) {
    if (golden.has(part)) starts.push_back(tape.watch(golden.get(part)));
  }
  std::vector<typename C::State> initial;
  for (Index i = 0; !starts.empty() && i < starts[0].dim(0); i++) {
    std::vector<Tensor> parts;
    for (const Tensor& start : starts) parts.push_back(start[i]);
    initial.push_back(make_state(typename C::State{}, parts));
  }
  const auto result = layer(x, {.lengths = golden.lengths(), .initial = initial});

  std::vector<std::vector<Tensor>> finals(2);
  for (const auto& state : result.final) {
    const std::vector<Tensor> parts = tensors_of(state);
    for (std::size_t i = 0; i < parts.size(); i++) finals[i].push_back(parts[i]);
  }
  golden.expect("outputs", result.outputs);
  golden.expect("h_n", stack(finals[0]));
  std::vector<Upstream> from = {{result.outputs, golden.get("w_outputs")},
                                {stack(finals[0]), golden.get("w_h")}};
  if (golden.has("c_n")) {
    golden.expect("c_n", stack(finals[1]));
    from.push_back({stack(finals[1]), golden.get("w_c")});
  }

  const Gradients gradients = tape.backward(from);
  golden.expect("grad.x", gradients[x]);
  for (std::size_t i = 0; i < starts.size(); i++) {
    golden.expect(i == 0 ? "grad.h0" : "grad.c0", gradients[starts[i]]);
  }
  for (const nn::NamedParameter& p : nn::named_parameters(layer)) {
    golden.expect("grad.param." + p.name, gradients[p.parameter]);
  }
}

class GoldenRecurrent : public testing::TestWithParam<Dtype> {
 protected:
  Rng rng_{1};
  template <class C, class Options>
  auto with(const Options& options, Index hidden = 4) {
    return [this, options, hidden](Index input) { return C(input, hidden, rng_, options); };
  }
};

INSTANTIATE_TEST_SUITE_P(BothPrecisions, GoldenRecurrent, testing::Values(float32, float64),
                         [](const auto& test) { return std::string(name_of(test.param)); });

TEST_P(GoldenRecurrent, ElmanTanhIsPyTorchs) {
  compare<nn::ElmanCell>("rnn_tanh", GetParam(), with<nn::ElmanCell>(nn::ElmanOptions{}));
}
TEST_P(GoldenRecurrent, ElmanReluIsPyTorchs) {
  compare<nn::ElmanCell>(
      "rnn_relu", GetParam(),
      with<nn::ElmanCell>(nn::ElmanOptions{.activation = nn::ElmanActivation::relu}));
}
TEST_P(GoldenRecurrent, LstmIsPyTorchs) {
  compare<nn::LSTMCell>("lstm", GetParam(), with<nn::LSTMCell>(nn::LSTMOptions{}));
}
TEST_P(GoldenRecurrent, LstmOfWholeSequencesIsPyTorchs) {
  compare<nn::LSTMCell>("lstm_no_lengths", GetParam(), with<nn::LSTMCell>(nn::LSTMOptions{}));
}
TEST_P(GoldenRecurrent, LstmWithoutAnInitialStateIsPyTorchs) {
  compare<nn::LSTMCell>("lstm_one_layer", GetParam(), with<nn::LSTMCell>(nn::LSTMOptions{}));
}
TEST_P(GoldenRecurrent, GruIsPyTorchs) {
  compare<nn::GRUCell>("gru", GetParam(), with<nn::GRUCell>(nn::GRUOptions{}));
}
TEST_P(GoldenRecurrent, GruWithoutAnInitialStateIsPyTorchs) {
  compare<nn::GRUCell>("gru_one_layer", GetParam(), with<nn::GRUCell>(nn::GRUOptions{}));
}
TEST_P(GoldenRecurrent, GruThatResetsBeforeTheProductIsThePapers) {
  compare<nn::GRUCell>("gru_reset_before", GetParam(),
                       with<nn::GRUCell>(nn::GRUOptions{.reset = nn::GruReset::before_product}));
}

}  // namespace
}  // namespace rw
